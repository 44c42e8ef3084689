"""The way back: newest first, with a backup that holds everything, told beforehand."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.sqlite import backup
from adw_state.engine.sqlite.backup import Backup, back_up, list_backups
from adw_state.errors import DatabaseReadOnlyError, InvalidInputError, MigrationError, NotMigratedError
from adw_state.schema import migration_status, migrations
from adw_state.schema.migration_files import known
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW
from adws.tests.migrations.databases import ALL, apply, content, run_sql
from adws.tests.processes import child

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def roll_back(path: Path, version: str) -> migrations.Outcome:
    return migrations.roll_back(
        path, version, backup_folder=path.parent / "backups", clock=SettableClock(NOW)
    )


def test_up_and_down_leave_the_trackers_database_as_it_was(tracker_db: Path) -> None:
    before = content(tracker_db)
    apply(tracker_db)
    assert content(tracker_db) != before
    outcome = roll_back(tracker_db, "000")
    assert outcome.versions == ALL[::-1]
    assert content(tracker_db) == before
    with pytest.raises(NotMigratedError):
        BeadsStateManager(tracker_db)
    assert apply(tracker_db).versions == ALL


@pytest.mark.parametrize("version", ALL)
def test_each_migration_can_be_taken_back_and_applied_again(beads_db: Path, version: str) -> None:
    before = content(beads_db)
    above = tuple(known_version for known_version in ALL if known_version >= version)
    assert roll_back(beads_db, version).versions == above[::-1]
    assert [step.version for step in migration_status.status(beads_db) if step.state == "pending"] == [*above]
    assert migration_status.problems(beads_db) == []
    assert apply(beads_db).versions == above
    after = content(beads_db)
    assert after["objects"] == before["objects"]


@pytest.mark.parametrize("version", ALL)
def test_half_of_the_way_down_is_what_half_of_the_way_up_makes(
    tracker_db: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tuple(migration for migration in known() if migration.version < version)
    with monkeypatch.context() as patch:
        for module in (migrations, migration_status):
            patch.setattr(module, "known", lambda: below)
        if below:
            apply(tracker_db)
    halfway_up = content(tracker_db)["objects"]
    apply(tracker_db)
    roll_back(tracker_db, version)
    assert content(tracker_db)["objects"] == halfway_up


def _with_rows(path: Path) -> None:
    with BeadsStateManager(path, clock=SettableClock(NOW)) as state:
        for number in range(3):
            run = state.create_execution("demo-1", adw_id=f"r{number}", first_checkpoint=("x", 1))
            state.finish_attempt(state.start_attempt(run.id, "plan"), "completed")
        state.update_execution_status("r2", "completed")
        state._database.clock.sleep(1)
        assert state.archive_old_executions(0) == 1


def test_what_a_rollback_drops_is_told_before(beads_db: Path) -> None:
    _with_rows(beads_db)
    told = migrations.rows_dropped_by_rollback(beads_db, "001")
    assert {name: rows for name, rows in told.items() if "reconcil" not in name} == {
        "adw_executions": 2,
        "adw_phase_attempts": 2,
        "adw_checkpoints": 2,
        "adw_executions_archive": 1,
        "adw_phase_attempts_archive": 1,
        "adw_checkpoints_archive": 1,
        "adw_archive_requests": 0,
    }
    assert "schema_version" in migrations.rows_dropped_by_rollback(beads_db, "000")
    before = content(beads_db)
    roll_back(beads_db, "001")
    after = content(beads_db)
    assert {name: len(before[name]) for name in before.keys() - after.keys()} == told
    assert {name for name in told if name.startswith("adw_executions")} & after.keys() == set()


def test_a_rollback_of_views_and_triggers_drops_no_rows(beads_db: Path) -> None:
    _with_rows(beads_db)
    assert set(migrations.rows_dropped_by_rollback(beads_db, "002")) == set(
        migrations.rows_dropped_by_rollback(beads_db, "003")
    )
    before = content(beads_db)["adw_executions"]
    roll_back(beads_db, "002")
    after = content(beads_db)["adw_executions"]
    # A later migration may have put columns behind those of 001; they go with it.
    assert after == [row[: len(after[0])] for row in before]


def test_the_backup_of_a_rollback_holds_every_row(beads_db: Path) -> None:
    _with_rows(beads_db)
    before = content(beads_db)
    outcome = roll_back(beads_db, "001")
    assert outcome.backup is not None
    assert outcome.backup.path.name == "beads.db.20261123T120000Z.before-rollback-001.sqlite3"
    assert content(outcome.backup.path) == before
    outcome.backup.path.replace(beads_db)
    with BeadsStateManager(beads_db) as state:
        assert sorted(run.id for run in state.list_executions()) == ["r0", "r1"]


def test_a_rollback_of_what_is_not_applied_does_nothing(tracker_db: Path) -> None:
    before = tracker_db.read_bytes()
    assert roll_back(tracker_db, "000") == migrations.Outcome((), None)
    assert migrations.rows_dropped_by_rollback(tracker_db, "000") == {}
    assert tracker_db.read_bytes() == before
    apply(tracker_db)
    roll_back(tracker_db, "002")
    assert roll_back(tracker_db, "002") == migrations.Outcome((), None)


@pytest.mark.parametrize("version", ["", "1", "997", "001_add_adw_tables", "../001"])
def test_a_version_that_is_none_is_refused(beads_db: Path, version: str) -> None:
    before = content(beads_db)
    uses: list[Callable[[], object]] = [
        lambda: roll_back(beads_db, version),
        lambda: migrations.rows_dropped_by_rollback(beads_db, version),
    ]
    for use in uses:
        with pytest.raises(InvalidInputError) as caught:
            use()
        assert str(caught.value) == f"there is no migration {version!r}"
        assert caught.value.hint == f"the migrations are {', '.join(ALL)}"
    assert content(beads_db) == before


def test_what_stands_in_the_database_is_never_run_as_sql(beads_db: Path) -> None:
    run_sql(beads_db, "UPDATE schema_version SET name = 'x''; DROP TABLE issues; --'")
    roll_back(beads_db, "000")
    assert "issues" in content(beads_db)


def test_a_rollback_that_fails_leaves_the_database_as_it_was(beads_db: Path) -> None:
    run_sql(beads_db, "DROP VIEW recent_failures")
    run_sql(beads_db, "CREATE TABLE recent_failures (theirs TEXT)")
    with pytest.raises(MigrationError, match=r"migration 002 \(create_views\) failed"):
        roll_back(beads_db, "002")
    states = {step.version: step.state for step in migration_status.status(beads_db)}
    assert states["002"] == "applied"
    assert {"success_rate_by_type", "stale_checkpoints"} <= {
        name for _, name, *_ in content(beads_db)["objects"]
    }


def test_a_backup_holds_what_only_the_write_ahead_log_has(beads_db: Path, tmp_path: Path) -> None:
    with BeadsStateManager(beads_db) as state:
        before = beads_db.read_bytes()
        run = state.create_execution("demo-1")
        assert beads_db.read_bytes() == before  # the row is in the log and nowhere else
        copy = back_up(beads_db, tmp_path / "backups", "test", _NOON)
    assert [row[0] for row in content(copy.path)["adw_executions"]] == [run.id]


def test_a_backup_is_private_whole_and_stands_alone(beads_db: Path, tmp_path: Path) -> None:
    beads_db.chmod(0o644)
    copy = back_up(beads_db, tmp_path / "new" / "backups", "test", _NOON)
    assert copy.path == tmp_path / "new" / "backups" / "beads.db.20261123T120000Z.test.sqlite3"
    assert copy.path.stat().st_mode & 0o777 == 0o600
    assert copy.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in copy.path.parent.iterdir()] == [copy.path.name]
    with closing(sqlite3.connect(copy.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_backups_of_one_second_do_not_overwrite_each_other(beads_db: Path, tmp_path: Path) -> None:
    made = [back_up(beads_db, tmp_path / "b", "test", _NOON) for _ in range(3)]
    assert [copy.path.name for copy in made] == [
        "beads.db.20261123T120000Z.test.sqlite3",
        "beads.db.20261123T120000Z.test.2.sqlite3",
        "beads.db.20261123T120000Z.test.3.sqlite3",
    ]
    later = back_up(beads_db, tmp_path / "b", "test", _NOON + timedelta(seconds=1))
    listed = list_backups(beads_db, tmp_path / "b")
    assert {copy.path for copy in listed} == {copy.path for copy in [*made, later]}
    assert listed[-1] == later
    assert list_backups(beads_db, tmp_path / "nowhere") == []
    assert list_backups(tmp_path / "other.db", tmp_path / "b") == []


def test_a_backup_that_was_killed_in_the_middle_bears_no_backups_name(
    beads_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(here: Callable[[], None]) -> None:
        monkeypatch.setattr(os, "fsync", lambda _: here())
        back_up(beads_db, tmp_path / "b", "test", _NOON)

    with child(killed) as process:
        process.wait_until_it_is_there()
        process.kill()
    assert list_backups(beads_db, tmp_path / "b") == []
    assert isinstance(back_up(beads_db, tmp_path / "b", "test", _NOON), Backup)
    assert len(list_backups(beads_db, tmp_path / "b")) == 1


def test_a_backup_that_fails_leaves_nothing_behind(
    beads_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.os, "fsync", full)  # type: ignore[attr-defined]
    with pytest.raises(DatabaseReadOnlyError) as caught:
        back_up(beads_db, tmp_path / "b", "test", _NOON)
    assert str(caught.value) == f"no backup can be written to {tmp_path / 'b'}: No space left on device"
    assert list((tmp_path / "b").iterdir()) == []
