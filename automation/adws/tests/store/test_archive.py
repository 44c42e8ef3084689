"""Nothing is lost by a deletion: ours by age, the tracker's by cascade, its REPLACE."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import InvalidInputError
from adw_state.state import BeadsStateManager, Execution
from adw_state.store import archive
from adws.tests.conftest import NOW
from adws.tests.processes import child, run_together

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")


@contextmanager
def _tracker(path: Path) -> Iterator[sqlite3.Connection]:
    """The tracker's own connection: foreign keys on, as bd has them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.row_factory = sqlite3.Row
        yield connection


def _rows(path: Path, table: str) -> list[dict[str, Any]]:
    with _tracker(path) as connection:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")]


def _full_run(state: BeadsStateManager, issue: str, adw_id: str) -> Execution:
    """An execution in which every column of every table holds something."""
    state.create_execution(
        issue,
        adw_id=adw_id,
        worktree_name="tree",
        worktree_path="/tree",
        branch_name="b",
        extra_data={"x": 1},
        first_checkpoint=("started", [1, None]),
        owner="h:1:x:y",
        claim=True,
    )
    attempt = state.start_attempt(adw_id, "plan", agent="claude", model="opus")
    state.save_checkpoint(adw_id, "plan", "plan_written", {"file": "plan.md"})
    state.finish_attempt(
        attempt,
        "failed",
        error_message="no",
        exit_code=1,
        session_id="s",
        input_tokens=1,
        output_tokens=2,
        cost_usd=0.5,
    )
    return state.update_execution_status(
        adw_id, "failed", error_message="no", plan_file="plan.md", pr_created=True, pr_url="u"
    )


def _assert_archived(before: dict[str, list[dict[str, Any]]], path: Path, reason: str, moment: str) -> None:
    """Every column of every row is in the archive, with the reason and the moment."""
    for table, rows in before.items():
        assert rows
        assert all(value is not None for row in rows for value in row.values())
        assert _rows(path, table) == []
        assert _rows(path, f"{table}_archive") == [
            {**row, "archived_at": moment, "archive_reason": reason} for row in rows
        ]


def _without_nulls(path: Path) -> None:
    """Fill what one run leaves empty, whether or not the columns go together: an archive asks for no rule."""
    with _tracker(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for table in _TABLES:
            for column in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall():
                name = column["name"]
                connection.execute(f"UPDATE {table} SET {name} = ? WHERE {name} IS NULL", (f"some {name}",))


def test_executions_that_ended_long_ago_move_to_the_archive_with_all_their_rows(
    state: BeadsStateManager, sidecar_db: Path, clock: SettableClock
) -> None:
    _full_run(state, "proj-7", "old")
    _without_nulls(sidecar_db)
    before = {table: _rows(sidecar_db, table) for table in _TABLES}
    clock.advance(days=90)
    assert state.archive_old_executions() == 0  # not more than 90 days ago
    clock.advance(seconds=1)
    assert state.archive_old_executions() == 1
    _assert_archived(before, sidecar_db, "retention", "2027-02-21T12:00:01.000000Z")
    assert _rows(sidecar_db, "adw_archive_requests") == []
    assert state.get_execution("old") is None
    assert state.archive_old_executions() == 0


def test_what_is_unfinished_or_young_stays(
    state: BeadsStateManager, sidecar_db: Path, clock: SettableClock
) -> None:
    for number, status in enumerate(["pending", "in_progress", "completed", "failed", "cancelled"]):
        run = state.create_execution("proj-7", adw_id=f"old-{number}")
        state.update_execution_status(run.id, status)
    clock.advance(days=10)
    young = state.create_execution("proj-7", adw_id="young")
    state.update_execution_status(young.id, "completed")
    clock.advance(days=5)
    assert state.archive_old_executions(days=7) == 3
    assert sorted(run.id for run in state.list_executions()) == ["old-0", "old-1", "young"]
    assert sorted(row["id"] for row in _rows(sidecar_db, "adw_executions_archive")) == [
        "old-2",
        "old-3",
        "old-4",
    ]


def test_retention_works_in_batches_and_takes_all(
    state: BeadsStateManager, sidecar_db: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_BATCH", 3)
    for number in range(10):
        run = state.create_execution("proj-7", adw_id=f"r{number}", first_checkpoint=("x", number))
        state.update_execution_status(run.id, "completed" if number % 2 else "failed")
    clock.advance(days=1)
    assert state.archive_old_executions(days=0) == 10
    assert len(_rows(sidecar_db, "adw_checkpoints_archive")) == 10
    assert state.list_executions() == []


@pytest.mark.parametrize("days", [-1, float("nan"), float("inf"), 36_501])
def test_days_that_make_no_sense_are_refused(state: BeadsStateManager, days: float) -> None:
    with pytest.raises(InvalidInputError, match="is not a number of days"):
        state.archive_old_executions(days)


def test_two_processes_archiving_at_once_take_each_run_once(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db, clock=SettableClock(NOW)) as state:
        for number in range(40):
            run = state.create_execution("proj-7", adw_id=f"r{number}")
            state.update_execution_status(run.id, "completed")

    def work() -> int:
        clock = SettableClock(_NOON + timedelta(days=1))
        with BeadsStateManager(sidecar_db, clock=clock) as state:
            return state.archive_old_executions(days=0.5)

    assert sum(run_together([work] * 4)) == 40
    assert len(_rows(sidecar_db, "adw_executions_archive")) == 40


def test_a_process_killed_while_it_archives_leaves_live_rows_or_archived_ones_never_both(
    sidecar_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BeadsStateManager(sidecar_db, clock=SettableClock(NOW)) as state:
        for number in range(6):
            run = state.create_execution("proj-7", adw_id=f"r{number}", first_checkpoint=("x", 1))
            state.update_execution_status(run.id, "completed")

    def work(here: Any) -> None:
        monkeypatch.setattr(archive, "_BATCH", 2)
        batches = []
        real = archive._archive_batch

        def stopping_batch(tx: Any, **what: Any) -> int:
            batches.append(real(tx, **what))
            if len(batches) == 2:
                here()  # two are archived, two more are half-way
            return batches[-1]

        monkeypatch.setattr(archive, "_archive_batch", stopping_batch)
        with BeadsStateManager(sidecar_db, clock=SettableClock(_NOON + timedelta(days=1))) as state:
            state.archive_old_executions(days=0)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
    live = [row["id"] for row in _rows(sidecar_db, "adw_executions")]
    kept = [row["id"] for row in _rows(sidecar_db, "adw_executions_archive")]
    assert (len(live), len(kept)) == (4, 2)
    assert sorted(live + kept) == [f"r{number}" for number in range(6)]
    assert len(_rows(sidecar_db, "adw_checkpoints_archive")) == 2
    assert _rows(sidecar_db, "adw_archive_requests") == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM issues WHERE id = 'demo-1'",
        "INSERT OR REPLACE INTO issues (id, title, issue_type) VALUES ('demo-1', 'Anew', 'bug')",
    ],
)
def test_a_deleted_or_replaced_issue_takes_its_runs_to_the_archive(
    beads_state: BeadsStateManager, beads_db: Path, statement: str
) -> None:
    _full_run(beads_state, "demo-1", "gone")
    other = beads_state.create_execution("demo-2", adw_id="stays", first_checkpoint=("x", 1))
    before = {table: [row for row in _rows(beads_db, table) if "gone" in row.values()] for table in _TABLES}
    started = datetime.now(UTC) - timedelta(seconds=1)
    with _tracker(beads_db) as tracker:
        tracker.execute(statement)
        assert tracker.execute("PRAGMA foreign_key_check").fetchall() == []
    for table, rows in before.items():
        archived = _rows(beads_db, f"{table}_archive")
        moments = {row.pop("archived_at") for row in archived}
        assert {row.pop("archive_reason") for row in archived} == {"deleted"}
        assert archived == rows
        (moment,) = moments
        assert len(moment) == 27
        assert started <= datetime.fromisoformat(moment) <= datetime.now(UTC)
    assert [row["id"] for row in _rows(beads_db, "adw_executions")] == [other.id]
    assert len(_rows(beads_db, "adw_checkpoints")) == 1


def test_our_own_delete_without_a_request_is_archived_as_deleted(
    state: BeadsStateManager, sidecar_db: Path
) -> None:
    _full_run(state, "proj-7", "gone")
    with _tracker(sidecar_db) as connection:
        connection.execute("DELETE FROM adw_executions")
    for table in _TABLES:
        assert {row["archive_reason"] for row in _rows(sidecar_db, f"{table}_archive")} == {"deleted"}
        assert _rows(sidecar_db, table) == []


@pytest.mark.parametrize("table", _TABLES)
def test_an_archive_takes_every_row_that_its_table_can_hold(sidecar_db: Path, table: str) -> None:
    """The archive has the columns of the table, and not a single constraint."""
    with _tracker(sidecar_db) as connection:
        live = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
        kept = connection.execute("SELECT * FROM pragma_table_info(?)", (f"{table}_archive",)).fetchall()
        assert {c["name"]: c["type"] for c in kept} == {
            **{c["name"]: c["type"] for c in live},
            "archived_at": "TEXT",
            "archive_reason": "TEXT",
        }
        assert all((c["notnull"], c["dflt_value"], c["pk"]) == (0, None, 0) for c in kept)
        text = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (f"{table}_archive",))
        assert "CHECK (" not in text.fetchone()[0].upper()
        unique = connection.execute("SELECT * FROM pragma_index_list(?)", (f"{table}_archive",)).fetchall()
        assert [index["name"] for index in unique if index["unique"]] == []


def test_the_tracker_can_delete_an_issue_whatever_the_archive_holds_already(
    beads_state: BeadsStateManager, beads_db: Path
) -> None:
    for _ in range(3):  # the same id is archived three times
        beads_state.create_execution("demo-1", adw_id="again", first_checkpoint=("x", 1))
        with _tracker(beads_db) as tracker:
            tracker.execute("DELETE FROM adw_executions")
    with _tracker(beads_db) as tracker:
        tracker.execute("DELETE FROM issues")
    assert [row["id"] for row in _rows(beads_db, "adw_executions_archive")] == ["again"] * 3
