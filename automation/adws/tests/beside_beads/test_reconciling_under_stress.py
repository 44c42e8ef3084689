"""Reconciliation when the database cannot be written, when many come at once, and when it is large."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import DatabaseReadOnlyError, StoreFaultError
from adw_state.shared_file import SharedFile, differences, needs_reconciling, reconcile
from adw_state.state import BeadsStateManager
from adw_state.store import sql
from adw_state.store.database import Database
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import (
    archived,
    complaints,
    everything,
    live,
    reconciliations,
    rows,
    run_on,
)
from adws.tests.work_of_statements import fill, steps_of
from benchmarks.reconciling import measure

_NOBODY = 65534


@pytest.fixture
def damaged(beads_db: Path, clock: SettableClock) -> Path:
    """A database in which demo-1 was renamed, demo-2 replaced and demo-3 deleted behind our back."""
    with BeadsStateManager(beads_db, clock=clock) as state:
        for issue in replays.ids(beads_db):
            run_on(state, issue)
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.replace(beads_db, "demo-2", "Export as CSV and JSON")
    replays.delete(beads_db, "demo-3", foreign_keys=False)
    return beads_db


RECONCILED = [
    ("renamed", "demo-1", "demo-a", 1),
    ("orphaned", "demo-3", None, 1),
    ("restored", None, "demo-2", 1),
]


def test_everything_that_is_wrong_is_reconciled_in_one_transaction(
    damaged: Path, clock: SettableClock
) -> None:
    with closing(sqlite3.connect(damaged)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON adw_reconciliations"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    before, issues = everything(damaged), live(damaged)
    with pytest.raises(StoreFaultError, match="no room"):
        BeadsStateManager(damaged, clock=clock)
    assert (everything(damaged), live(damaged)) == (before, issues)
    assert reconciliations(damaged) == []
    with closing(sqlite3.connect(damaged)) as connection, connection:
        connection.execute("DROP TRIGGER full")
    BeadsStateManager(damaged, clock=clock).close()
    assert reconciliations(damaged) == RECONCILED
    assert complaints(damaged) == []
    assert everything(damaged) == before


def test_a_database_that_another_process_keeps_locked_can_be_read_and_is_reconciled_later(
    damaged: Path, clock: SettableClock
) -> None:
    with (
        closing(Database(damaged, busy_timeout_seconds=0.01, retry_delays_seconds=())) as database,
        replays.tracker(damaged),
    ):
        home = SharedFile(database)
        assert home.follow() is False
        assert home.pending is True
        assert database.read(needs_reconciling) is True
        [row] = database.select("SELECT count(*) AS executions FROM adw_executions")
        assert row["executions"] == 4
    with closing(Database(damaged)) as database:
        home = SharedFile(database)
        assert home.follow() is True
        assert home.pending is False
        assert len(home.reconciled) == 3


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def read_as_nobody(path: Path) -> tuple[bool, int, str]:
    """Whether reconciling is pending, how many executions can be read, what a write is answered with."""
    if os.geteuid() == 0:
        os.setuid(_NOBODY)
    with BeadsStateManager(path, clock=SettableClock(replays.BORN), retry_delays_seconds=()) as state:
        try:
            run_on(state, "demo-4")
        except DatabaseReadOnlyError as error:
            return state.reconciliation_pending, len(state.list_executions()), type(error).__name__
    return False, 0, "written"


def in_another_process(path: Path) -> tuple[bool, int, str]:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(read_as_nobody, path).result()


def test_a_database_on_a_read_only_medium_can_be_read_and_its_reconciling_is_pending(
    damaged: Path, public_folder: Path
) -> None:
    path = Path(shutil.copyfile(damaged, public_folder / "beads.db"))
    path.chmod(0o444)
    public_folder.chmod(0o555)
    assert in_another_process(path) == (True, 4, "DatabaseReadOnlyError")
    public_folder.chmod(0o755)
    path.chmod(0o644)
    assert reconciliations(path) == []


def test_a_healthy_database_on_a_read_only_medium_has_nothing_pending(
    beads_db: Path, public_folder: Path
) -> None:
    path = Path(shutil.copyfile(beads_db, public_folder / "beads.db"))
    path.chmod(0o444)
    public_folder.chmod(0o555)
    assert in_another_process(path) == (False, 0, "DatabaseReadOnlyError")
    public_folder.chmod(0o755)


def open_and_close(path: Path) -> int:
    with BeadsStateManager(path, clock=SettableClock(replays.BORN)) as state:
        return len(state.reconciled)


def test_of_many_processes_that_open_a_damaged_database_at_once_one_reconciles_it(damaged: Path) -> None:
    before = everything(damaged)
    with ProcessPoolExecutor(8, mp_context=get_context("fork")) as pool:
        reconciled = list(pool.map(open_and_close, [damaged] * 8))
    assert sorted(reconciled) == [0] * 7 + [3]
    assert reconciliations(damaged) == RECONCILED
    assert everything(damaged) == before


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every database counts as large, so that only what is new is looked at."""
    monkeypatch.setattr(differences, "SMALL_ROWS", -1)


@pytest.mark.usefixtures("large")
def test_a_large_database_is_reconciled_like_a_small_one(damaged: Path, clock: SettableClock) -> None:
    BeadsStateManager(damaged, clock=clock).close()
    assert reconciliations(damaged) == RECONCILED


@pytest.mark.usefixtures("large")
def test_in_a_large_database_a_deletion_that_left_no_event_is_seen_by_the_number_of_issues(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-2")
    replays.delete(beads_db, "demo-2", foreign_keys=False)
    BeadsStateManager(beads_db, clock=clock).close()
    assert archived(beads_db) == {run.id: ("demo-2", "orphaned")}
    replays.create(beads_db, "demo-2", "Export as CSV")
    BeadsStateManager(beads_db, clock=clock).close()
    assert live(beads_db) == {run.id: "demo-2"}


@pytest.mark.usefixtures("large")
def test_in_a_large_database_an_issue_is_missed_that_came_and_went_since_the_last_look(
    beads_db: Path, clock: SettableClock
) -> None:
    BeadsStateManager(beads_db, clock=clock).close()
    replays.create(beads_db, "demo-6")
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-6")
    replays.delete(beads_db, "demo-6", foreign_keys=False)
    BeadsStateManager(beads_db, clock=clock).close()
    assert archived(beads_db) == {run.id: ("demo-6", "orphaned")}


@pytest.mark.usefixtures("large")
def test_in_a_large_database_the_deletion_of_the_newest_issue_is_seen_although_another_took_its_row(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        replays.create(beads_db, "demo-6")
        run = run_on(state, "demo-6")
    replays.delete(beads_db, "demo-6", foreign_keys=False)
    replays.create(beads_db, "demo-7")
    BeadsStateManager(beads_db, clock=clock).close()
    assert archived(beads_db) == {run.id: ("demo-6", "orphaned")}


@pytest.mark.usefixtures("large")
def test_in_a_large_database_what_leaves_no_trace_is_found_within_a_day(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-2")
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        connection.execute("UPDATE issues SET id = 'demo-x' WHERE id = 'demo-2'")
    clock.advance(hours=23)
    BeadsStateManager(beads_db, clock=clock).close()
    assert live(beads_db) == {run.id: "demo-2"}
    with closing(Database(beads_db, clock=clock)) as database:
        assert reconcile(database) == ()
    clock.advance(hours=2)
    BeadsStateManager(beads_db, clock=clock).close()
    assert archived(beads_db) == {run.id: ("demo-2", "orphaned")}


@pytest.mark.usefixtures("large")
def test_a_thorough_reconciling_looks_at_every_row_of_a_large_database(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run_on(state, "demo-2")
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        connection.execute("UPDATE issues SET id = 'demo-x' WHERE id = 'demo-2'")
    with closing(Database(beads_db, clock=clock)) as database:
        assert [h.kind for h in reconcile(database, thorough=True)] == ["orphaned"]


@pytest.mark.usefixtures("large")
def test_a_healthy_large_database_is_not_written_by_opening_it(beads_db: Path, clock: SettableClock) -> None:
    BeadsStateManager(beads_db, clock=clock).close()
    remembered = rows(beads_db, "SELECT * FROM adw_reconcile_state")
    clock.advance(hours=1)
    for number in range(20):
        replays.create(beads_db, f"demo-{number + 10}")
        BeadsStateManager(beads_db, clock=clock).close()
    assert rows(beads_db, "SELECT * FROM adw_reconcile_state") == remembered


def test_what_is_new_is_remembered_before_looking_at_it_becomes_slow(
    beads_db: Path, clock: SettableClock
) -> None:
    BeadsStateManager(beads_db, clock=clock).close()
    with replays.tracker(beads_db) as connection:
        for _ in range(101):
            replays.add_event(connection, "demo-1", "updated", "somebody")
    BeadsStateManager(beads_db, clock=clock).close()
    newest = rows(beads_db, "SELECT max(id) FROM events")
    assert rows(beads_db, "SELECT event_watermark FROM adw_reconcile_state") == newest


def test_a_look_at_a_database_without_news_takes_as_many_steps_in_a_large_one(
    tmp_path: Path, beads_db: Path
) -> None:
    looks = (
        "newest_event",
        "created_since",
        "any_rename",
        "any_returning_of_new",
        "any_orphaned_part",
        "any_gone",
        "ids_reused",
        "reidentified",
    )
    small, large = (
        _steps_of_looks(beads_db, tmp_path / name, executions, looks)
        for name, executions in (("small.db", 20), ("large.db", 2000))
    )
    assert large == small


def _steps_of_looks(template: Path, path: Path, executions: int, looks: tuple[str, ...]) -> dict[str, int]:
    """The steps of each look at a database with so many executions, which has seen all of them."""
    shutil.copyfile(template, path)
    texts = sql.load("reconciliation")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        fill(connection, executions)
        connection.execute("DELETE FROM adw_executions WHERE status = 'completed'")  # now in the archive
        connection.execute(
            "INSERT INTO events (issue_id, event_type, actor, created_at)"
            " SELECT 'demo-1', 'renamed', 'somebody', started_at FROM adw_executions"
        )
        seen = connection.execute(texts["evidence"]).fetchone()
        params = {"after": executions, "seen_issue_row": seen[6], "seen_archive_row": seen[7]}
        return {name: steps_of(connection, texts[name], params) for name in looks}


def test_the_benchmark_measures_what_it_says(tmp_path: Path) -> None:
    figures = measure(tmp_path, executions=60, issues=20, rounds=3)
    assert [(f.name, f.executions, f.issues, f.rounds) for f in figures] == [
        ("opening a healthy database", 60, 20, 3),
        ("opening after the tracker made an issue", 60, 20, 3),
        ("reconciliation after every issue was renamed", 20, 20, 1),
    ]
    assert [row[:2] for row in reconciliations(tmp_path / "renamed.db")[:1]] == [("renamed", "bench-0")]
    assert len(reconciliations(tmp_path / "renamed.db")) == 20
    assert reconciliations(tmp_path / "healthy.db") == []
