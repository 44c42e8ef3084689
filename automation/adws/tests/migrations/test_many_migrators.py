"""Migrators that run at once, beside writers, or are killed in the middle."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adw_state.errors import StoreBusyError
from adw_state.gate import Gate
from adw_state.schema import migration_status, migrations
from adw_state.schema.migration_files import Layout, Migration, known
from adw_state.state import BeadsStateManager
from adws.tests.migrations.databases import ALL, apply, content
from adws.tests.processes import child, run_together

_STATEMENTS = {m.version: (len(m.up(Layout.SHARED_FILE)), len(m.down())) for m in known()}


def test_ten_processes_applying_at_once_apply_each_migration_once(tracker_db: Path) -> None:
    results = run_together([partial(apply, tracker_db)] * 10)
    assert sorted(version for outcome in results for version in outcome.versions) == sorted(ALL)
    # Whoever found something to do made a backup first, and nobody else did.
    assert len(list((tracker_db.parent / "backups").iterdir())) == sum(
        outcome.backup is not None for outcome in results
    )
    assert all((outcome.backup is not None) == bool(outcome.versions) for outcome in results)
    assert migration_status.problems(tracker_db) == []


def test_ten_processes_making_one_store_at_once_make_one(tmp_path: Path) -> None:
    path = tmp_path / "adw" / "state.sqlite3"
    results = run_together([partial(migrations.create_store, path, backup_folder=tmp_path / "b")] * 10)
    assert sorted(version for outcome in results for version in outcome.versions) == sorted(ALL)
    with BeadsStateManager(path) as state:
        assert state.check_health().ok


def test_migrating_beside_a_tracker_that_writes_disturbs_neither(tracker_db: Path) -> None:
    def tracker() -> int:
        with closing(sqlite3.connect(tracker_db, isolation_level=None, timeout=30)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            for number in range(60):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO issues (id, title) VALUES (?, 'x')", (f"new-{number}",))
                connection.execute("COMMIT")
        return 60

    def up_and_down() -> int:
        for _ in range(3):
            apply(tracker_db)
            migrations.roll_back(tracker_db, "000", backup_folder=tracker_db.parent / "backups")
        return len(apply(tracker_db).versions)

    assert run_together([tracker, up_and_down]) == [60, len(ALL)]
    with closing(sqlite3.connect(tracker_db)) as connection:
        assert connection.execute("SELECT count(*) FROM issues").fetchone() == (65,)
    assert migration_status.problems(tracker_db) == []


def _stopping(statements: list[str], after: int, here: Callable[[], None]) -> Iterator[str]:
    for number, statement in enumerate(statements, start=1):
        yield statement
        if number == after:
            here()


@pytest.mark.parametrize(
    ("version", "after"),
    [(v, after) for v, (up, _) in _STATEMENTS.items() for after in sorted({1, up // 2, up} - {0})],
)
def test_a_migrator_killed_in_the_middle_leaves_whole_migrations_only(
    tracker_db: Path, monkeypatch: pytest.MonkeyPatch, version: str, after: int
) -> None:
    real = Migration.up

    def killed(here: Callable[[], None]) -> None:
        migration_status.problems(tracker_db)
        # What the schema must be is worked out before, as `apply` does it, by the real statements.
        migrations._layout_with_free_names(tracker_db)

        def up(migration: Migration, layout: Layout) -> object:
            statements = real(migration, layout)
            return _stopping(statements, after, here) if migration.version == version else statements

        monkeypatch.setattr(Migration, "up", up)
        apply(tracker_db)

    with child(killed) as process:
        process.wait_until_it_is_there()
        process.kill()
    states = {step.version: step.state for step in migration_status.status(tracker_db)}
    assert states == {v: "applied" if v < version else "pending" for v in ALL}
    assert migration_status.problems(tracker_db) == []
    names = {name for _, name, *_ in content(tracker_db)["objects"]}
    assert ("adw_executions" in names) == (version > "001")
    assert apply(tracker_db).versions == tuple(v for v in ALL if v >= version)
    with BeadsStateManager(tracker_db) as state:
        assert state.check_health().ok


@pytest.mark.parametrize("version", ALL)
def test_a_rollback_killed_in_the_middle_leaves_whole_migrations_only(
    beads_db: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1")
    real = Migration.down

    def killed(here: Callable[[], None]) -> None:
        def down(migration: Migration) -> object:
            return _stopping(real(migration), 1, here) if migration.version == version else real(migration)

        monkeypatch.setattr(Migration, "down", down)
        migrations.roll_back(beads_db, version, backup_folder=beads_db.parent / "backups")

    with child(killed) as process:
        process.wait_until_it_is_there()
        process.kill()
    states = {step.version: step.state for step in migration_status.status(beads_db)}
    assert states == {v: "applied" if v <= version else "pending" for v in ALL}
    assert migration_status.problems(beads_db) == []
    apply(beads_db)
    with BeadsStateManager(beads_db) as state:
        assert [found.id for found in state.list_executions()] == ([run.id] if version >= "001" else [])


def test_a_stopped_migrator_keeps_others_waiting_and_not_for_ever(
    tracker_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(here: Callable[[], None]) -> None:
        with Gate(tracker_db.parent, 1.0):
            here()

    monkeypatch.setattr(migrations, "_GATE_SECONDS", 0.02)
    with child(hold) as process:
        process.wait_until_it_is_there()
        process.stop()
        with pytest.raises(StoreBusyError, match=r"busy for 0\.02 s"):
            apply(tracker_db)
        process.resume()
        process.let_go()
        assert process.wait() == 0
    assert apply(tracker_db).versions == ALL
