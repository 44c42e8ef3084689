"""The tracker's database with our tables in it: what either side may rely on. Details lie in the tiers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.transaction import Transaction
from adw_state.errors import DatabaseError, DatabaseNotFoundError, NotMigratedError
from adw_state.schema import migrations
from adw_state.state import BeadsStateManager, Checkpoint
from adw_state.trackers.bd import create_beads_database
from adws.tests.conftest import ISSUES, NOW
from adws.tests.processes import child, run_apart, run_together
from adws.tests.samples import issues_in_use
from benchmarks.queries import TARGETS_MS, time_queries


@contextmanager
def _tracker(path: Path, *, foreign_keys: bool = True) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        yield connection


def _sound(path: Path) -> None:
    with _tracker(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_concurrent_execution_creation(beads_db: Path) -> None:
    """Ten processes begin runs at the same moment: no error, no duplicate id, nothing lost."""

    def create(number: int) -> list[str]:
        with BeadsStateManager(beads_db) as state:
            return [state.create_execution(f"demo-{1 + number % 5}").id for _ in range(10)]

    made = [made_id for ids in run_together([partial(create, n) for n in range(10)]) for made_id in ids]
    assert len(set(made)) == 100
    with BeadsStateManager(beads_db) as state:
        assert sorted(run.id for run in state.list_executions(limit=1000)) == sorted(made)


def test_checkpoint_persistence_across_restart(beads_db: Path) -> None:
    """What one process saved before it was killed, the next one loads."""

    def save_and_wait(here: Callable[[], None]) -> None:
        with BeadsStateManager(beads_db, clock=SettableClock(NOW)) as state:
            state.create_execution("demo-1", adw_id="run-1")
            state.save_checkpoint("run-1", "build", "half_way", {"files": ["a.py", "b.py"]}, op_id="op-1")
            here()

    with child(save_and_wait) as process:
        process.wait_until_it_is_there()
        process.kill()

    def load() -> Checkpoint | None:
        with BeadsStateManager(beads_db) as state:
            return state.load_checkpoint("run-1", "build", "half_way")

    assert run_apart(load) == Checkpoint(
        op_id="op-1",
        execution_id="run-1",
        seq=1,
        phase="build",
        attempt=1,
        checkpoint_name="half_way",
        data={"files": ["a.py", "b.py"]},
        created_at=SettableClock(NOW).now(),
    )


def test_foreign_key_cascade_deletes(beads_db: Path) -> None:
    """Deleting an issue takes its runs out of the live tables, and the archive keeps every one."""
    with BeadsStateManager(beads_db) as state:
        gone = state.create_execution("demo-1", first_checkpoint=("x", 1))
        state.start_attempt(gone.id, "plan")
        stays = state.create_execution("demo-2", first_checkpoint=("x", 1))
        with closing(sqlite3.connect(beads_db)) as tracker, tracker:
            tracker.execute("PRAGMA foreign_keys = ON")
            tracker.execute("DELETE FROM issues WHERE id = 'demo-1'")
        assert state.get_execution(gone.id) is None
        assert state.list_checkpoints(gone.id) == []
        assert state.list_executions() == [stays]
    with closing(sqlite3.connect(beads_db)) as tracker:
        for table, column in (
            ("executions", "id"),
            ("phase_attempts", "execution_id"),
            ("checkpoints", "execution_id"),
        ):
            kept = tracker.execute(f"SELECT {column}, archive_reason FROM adw_{table}_archive").fetchall()
            assert kept == [(gone.id, "deleted")]
        assert tracker.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("executions", [100, 500, 1000])
def test_query_performance(executions: int) -> None:
    """Every common query and join answers from a database of this size; how fast, benchmarks say."""
    timings = time_queries([executions], 1)
    assert {timing.executions for timing in timings} == {executions}
    assert {timing.kind for timing in timings} == set(TARGETS_MS)
    assert all(timing.mean_ms > 0 and timing.target_ms == TARGETS_MS[timing.kind] for timing in timings)
    assert len({timing.name for timing in timings}) == len(timings) > 20


def test_the_trackers_rows_are_never_touched(beads_db: Path) -> None:
    def theirs() -> dict[str, list[tuple[object, ...]]]:
        with _tracker(beads_db) as connection:
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'adw_%' AND name NOT IN ('schema_version', 'sqlite_sequence')"
            ).fetchall()
            return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables}

    before = theirs()
    assert len(before["issues"]) == len(ISSUES)
    with BeadsStateManager(beads_db) as state:
        for issue in ISSUES:
            run = state.create_execution(issue.id, claim=True, first_checkpoint=("x", 1))
            state.finish_attempt(state.start_attempt(run.id, "plan"), "failed")
            state.update_execution_status(run.id, "failed")
        state.archive_old_executions(0)
        state.check_health()
    migrations.roll_back(beads_db, "000", backup_folder=beads_db.parent / "backups")
    assert theirs() == before


def test_tracker_and_runs_write_at_once(beads_db: Path) -> None:
    def tracker() -> int:
        with _tracker(beads_db) as connection:
            for number in range(50):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("UPDATE issues SET notes = ? WHERE id = 'demo-1'", (str(number),))
                connection.execute("COMMIT")
        return 50

    def runs() -> int:
        with BeadsStateManager(beads_db) as state:
            return len([state.create_execution("demo-1") for _ in range(20)])

    assert run_together([tracker, runs, runs, runs, tracker]) == [50, 20, 20, 20, 50]
    with BeadsStateManager(beads_db) as state:
        assert len(state.list_executions()) == 60
    _sound(beads_db)


def test_readers_are_not_held_up_by_a_writer(beads_db: Path) -> None:
    with BeadsStateManager(beads_db, busy_timeout_seconds=0.01, retry_delays_seconds=()) as state:
        run = state.create_execution("demo-1")
        with _tracker(beads_db) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE issues SET notes = 'half-way'")
            assert state.list_executions() == [run]
            assert state.load_checkpoint(run.id) is None


def test_a_finished_manager_holds_nothing_that_a_tracker_could_wait_for(beads_db: Path) -> None:
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1")
        state.list_executions()
        state.load_checkpoint(run.id)
        # bd truncates the log when it closes, and waits for readers that have not finished.
        with _tracker(beads_db) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def test_the_views_survive_what_trackers_do_to_their_tables(beads_db: Path) -> None:
    """bd rebuilds `issues` with foreign keys off; a view that joined it would stop bd from opening."""
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1", first_checkpoint=("x", 1))
    with _tracker(beads_db, foreign_keys=False) as bd:
        bd.execute("BEGIN EXCLUSIVE")
        bd.execute("CREATE TABLE issues_new AS SELECT * FROM issues")
        bd.execute("DROP TABLE issues")
        bd.execute("ALTER TABLE issues_new RENAME TO issues")
        bd.execute("CREATE UNIQUE INDEX idx_issues_id ON issues (id)")
        bd.execute("COMMIT")
        for view in ("recent_failures", "stale_checkpoints", "success_rate_by_type"):
            bd.execute(f"SELECT * FROM {view}").fetchall()
    with BeadsStateManager(beads_db) as state:
        assert state.list_executions() == [run]
        assert state.create_execution("demo-2").issue_title == "Export as CSV"
    _sound(beads_db)


def test_a_killed_run_leaves_a_database_that_the_tracker_can_use(beads_db: Path) -> None:
    def work(here: Callable[[], None]) -> None:
        with BeadsStateManager(beads_db) as state:
            state.create_execution("demo-1", adw_id="kept", claim=True)

            def unit(tx: Transaction) -> None:
                tx.execute("DELETE FROM adw_executions")
                here()

            state._database.write(unit)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
    with _tracker(beads_db) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("UPDATE issues SET notes = 'after' WHERE id = 'demo-1'")
    with BeadsStateManager(beads_db) as state:
        assert [(run.id, run.claimed) for run in state.list_executions()] == [("kept", True)]
    _sound(beads_db)


@pytest.mark.parametrize("threads", [8])
def test_threads_of_one_process_may_each_have_a_manager(beads_db: Path, threads: int) -> None:
    made: list[str] = []

    def work() -> None:
        with BeadsStateManager(beads_db) as state:
            made.extend(state.create_execution("demo-1").id for _ in range(5))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with BeadsStateManager(beads_db) as state:
        assert sorted(run.id for run in state.list_executions()) == sorted(made)
    assert len(made) == threads * 5
    _sound(beads_db)


def test_a_path_with_a_slip_of_the_pen_makes_no_database(beads_db: Path) -> None:
    slip = beads_db.with_name("bead.db")
    with pytest.raises(DatabaseNotFoundError):
        BeadsStateManager(slip)
    assert not slip.exists()
    assert sorted(path.name for path in beads_db.parent.iterdir()) == ["beads.db"]


def test_a_database_without_our_tables_says_how_to_get_them(tracker_db: Path) -> None:
    with pytest.raises(NotMigratedError) as caught:
        BeadsStateManager(tracker_db)
    assert isinstance(caught.value, DatabaseError)
    assert caught.value.hint is not None
    assert "adw migrate up" in caught.value.hint


def test_a_database_in_use_takes_our_tables_and_keeps_its_issues(tmp_path: Path) -> None:
    path = tmp_path / ".beads" / "mtg.db"
    create_beads_database(path, "mtg", issues_in_use(), SettableClock(NOW).now())
    _take_our_tables(path, tmp_path / "backups")


def test_a_real_database_of_another_team_takes_our_tables_and_keeps_its_issues(
    tmp_path: Path, shared: Path
) -> None:
    path = tmp_path / ".beads" / "mtg.db"
    path.parent.mkdir()
    path.write_bytes((shared / "data" / "beads-sqlite" / "bd-2025-mtg.db").read_bytes())
    _take_our_tables(path, tmp_path / "backups")


def _take_our_tables(path: Path, backups: Path) -> None:
    with _tracker(path) as connection:
        before = connection.execute("SELECT * FROM issues ORDER BY id").fetchall()
    assert len(before) == 85
    migrations.apply(path, backup_folder=backups)
    with BeadsStateManager(path) as state:
        for row in before[:3]:
            run = state.create_execution(row[0], first_checkpoint=("x", 1))
            assert run.issue_title == row[1]
        assert state.check_health().ok
    with _tracker(path) as connection:
        assert connection.execute("SELECT * FROM issues ORDER BY id").fetchall() == before
    _sound(path)
