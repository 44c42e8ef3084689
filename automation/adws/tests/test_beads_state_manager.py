"""BeadsStateManager as a phase uses it: one walk through its whole surface. Details lie in tests/store."""

from __future__ import annotations

import dataclasses
import inspect
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.sqlite import connection
from adw_state.engine.sqlite import file as file_module
from adw_state.errors import AdwError, IllegalTransitionError, IssueNotFoundError
from adw_state.state import ADWState, Attempt, BeadsStateManager, Checkpoint, Execution

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_run_goes_from_plan_to_review(beads_db: Path, clock: SettableClock) -> None:
    with BeadsStateManager(str(beads_db), clock=clock) as state:
        run = state.create_execution("demo-1", first_checkpoint=("started", {"by": "me"}))
        for phase in ("plan", "build", "review"):
            attempt = state.start_attempt(run.id, phase)
            clock.advance(seconds=30)
            state.save_checkpoint(run.id, phase, f"{phase}_done", {"file": f"{phase}.md"})
            state.finish_attempt(attempt, "completed")
        done = state.update_execution_status(run.id, "completed")
        assert (done.phase, done.status, done.completed_at) == (
            "review",
            "completed",
            _NOON + timedelta(seconds=90),
        )
        assert [(a.phase, a.duration_seconds) for a in state.list_attempts(run.id)] == [
            ("plan", 30.0),
            ("build", 30.0),
            ("review", 30.0),
        ]
        assert [c.checkpoint_name for c in state.list_checkpoints(run.id)] == [
            "started",
            "plan_done",
            "build_done",
            "review_done",
        ]


def test_a_transaction_that_fails_leaves_nothing(beads_db: Path) -> None:
    with BeadsStateManager(beads_db) as state:
        with pytest.raises(IssueNotFoundError):
            state.create_execution("nowhere-1", adw_id="x", first_checkpoint=("started", 1))
        assert state.get_execution("x") is None
        run = state.create_execution("demo-1")
        state.update_execution_status(run.id, "completed")
        with pytest.raises(IllegalTransitionError):
            state.update_execution_status(run.id, "in_progress", error_message="never seen")
        kept = state.get_execution(run.id)
        assert kept is not None
        assert (kept.status, kept.error_message) == ("completed", None)


def test_old_executions_are_archived(beads_db: Path, clock: SettableClock) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        old = state.create_execution("demo-1")
        state.update_execution_status(old.id, "failed")
        clock.advance(days=91)
        running = state.create_execution("demo-1")
        assert state.archive_old_executions() == 1
        assert state.archive_old_executions(days=90) == 0
        assert state.list_executions() == [running]


def test_connections_are_kept_between_calls_and_closed_at_the_end(
    beads_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []

    def remember(open_one: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        def opening(*args: object, **kwargs: object) -> sqlite3.Connection:
            opened.append(open_one(*args, **kwargs))
            return opened[-1]

        return opening

    monkeypatch.setattr(file_module, "open_writer", remember(connection.open_writer))
    monkeypatch.setattr(file_module, "open_reader", remember(connection.open_reader))
    with BeadsStateManager(beads_db) as state:
        for _ in range(20):
            run = state.create_execution("demo-1")
            state.save_checkpoint(run.id, "plan", "x", 1)
            state.load_checkpoint(run.id)
            state.list_executions()
    assert len(opened) == 2  # one that writes, one that reads
    for used in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            used.execute("SELECT 1")
    assert not Path(f"{beads_db}-wal").exists()


def test_results_are_records_that_cannot_be_changed(beads_db: Path) -> None:
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1")
        assert isinstance(run, Execution)
        with pytest.raises(AttributeError):
            run.status = "completed"  # type: ignore[misc]
        with closing(sqlite3.connect(beads_db)) as shell:
            for table, record in (
                ("executions", Execution),
                ("phase_attempts", Attempt),
                ("checkpoints", Checkpoint),
            ):
                columns = [row[1] for row in shell.execute(f"PRAGMA table_info(adw_{table})")]
                fields = [field.name for field in dataclasses.fields(record)]
                assert fields == ["data" if column == "checkpoint_data" else column for column in columns]


@pytest.mark.parametrize(
    ("method", "names"),
    [
        (
            "create_execution",
            "issue_id adw_id workflow environment phase worktree_name worktree_path branch_name extra_data"
            " first_checkpoint",
        ),
        ("update_execution_status", "execution_id status phase error_message"),
        ("save_checkpoint", "execution_id phase checkpoint_name checkpoint_data"),
        ("load_checkpoint", "execution_id phase checkpoint_name"),
        ("start_attempt", "execution_id phase"),
        ("finish_attempt", "attempt status"),
        ("get_execution", "execution_id"),
        ("list_executions", ""),
        ("list_checkpoints", "execution_id"),
        ("archive_old_executions", "days"),
        ("check_health", ""),
    ],
)
def test_the_names_that_users_rely_on_stay(method: str, names: str) -> None:
    parameters = inspect.signature(getattr(BeadsStateManager, method)).parameters
    assert set(names.split()) <= set(parameters)
    assert next(iter(inspect.signature(BeadsStateManager).parameters)) == "db_path"
    assert inspect.signature(BeadsStateManager.archive_old_executions).parameters["days"].default == 90


def test_every_method_says_what_it_does_and_raises_only_errors_of_ours(beads_db: Path) -> None:
    for name, member in vars(BeadsStateManager).items():
        if not name.startswith("_"):
            assert inspect.getdoc(member), name
    with BeadsStateManager(beads_db) as state:
        wrong_uses: list[Callable[[], object]] = [
            lambda: state.create_execution(None),  # type: ignore[arg-type]
            lambda: state.get_execution("\ud800"),
            lambda: state.save_checkpoint("a", "plan", "x", object()),  # type: ignore[arg-type]
            lambda: state.list_executions(limit=-1),
            lambda: state.archive_old_executions(float("nan")),
        ]
        for use in wrong_uses:
            with pytest.raises(AdwError) as caught:
                use()
            assert "\n" not in str(caught.value)


def test_the_json_state_is_imported_from_the_same_door(tmp_path: Path) -> None:
    ADWState("adw-1", tmp_path).update({"status": "completed"})
    loaded = ADWState.load("adw-1", tmp_path)
    assert loaded is not None
    assert loaded.data == {"adw_id": "adw-1", "status": "completed"}
