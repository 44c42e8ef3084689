"""A database of the earlier implementation is upgraded in place: what becomes of it as a whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import NotMigratedError
from adw_state.recovery.upgrade import Migrated
from adw_state.schema.migration_status import problems, status
from adw_state.schema.previous_tables import look_for
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW
from adws.tests.migrations.earlier import (
    CHECKPOINTS,
    EXECUTIONS,
    VERSIONS,
    apply,
    content,
    make_earlier,
    rows,
)


@pytest.fixture
def earlier_db(tracker_db: Path) -> Path:
    return make_earlier(tracker_db, EXECUTIONS, CHECKPOINTS)


def test_every_row_comes_over_live_or_archived(earlier_db: Path) -> None:
    done = apply(earlier_db)
    assert done.versions == VERSIONS
    assert done.upgrade is not None
    assert (done.upgrade.executions, done.upgrade.executions_archived) == (3, 1)
    assert (done.upgrade.checkpoints, done.upgrade.checkpoints_archived) == (2, 2)
    assert rows(earlier_db, "SELECT id, issue_id, status FROM adw_executions ORDER BY id") == [
        ("1a2b3c4d", "demo-1", "completed"),
        ("2a2b3c4d", "demo-2", "failed"),
        ("3a2b3c4d", "demo-3", "in_progress"),
    ]
    assert rows(
        earlier_db, "SELECT id, issue_id, status, archived_at, archive_reason FROM adw_executions_archive"
    ) == [("4a2b3c4d", "demo-99", "failed", NOW, "orphaned")]
    assert rows(
        earlier_db,
        "SELECT execution_id, seq, checkpoint_name, archive_reason FROM adw_checkpoints_archive ORDER BY 1",
    ) == [("4a2b3c4d", 1, "planned", "orphaned"), ("deadbeef", 1, "lost", "orphaned")]


def test_the_file_is_then_as_the_migrations_make_it(earlier_db: Path) -> None:
    apply(earlier_db)
    assert problems(earlier_db) == []
    assert {step.state for step in status(earlier_db)} == {"applied"}
    assert rows(earlier_db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(earlier_db, "PRAGMA foreign_key_check") == []
    assert look_for(earlier_db) is None


def test_its_views_over_the_trackers_tables_are_gone(earlier_db: Path) -> None:
    done = apply(earlier_db).upgrade
    assert done is not None
    assert done.dropped == (
        "view recent_failures",
        "view stale_checkpoints",
        "view success_rate_by_type",
        "view phase_progression_funnel",
    )
    views = rows(
        earlier_db, "SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name NOT LIKE '%_issues'"
    )
    assert {name for name, _ in views} == {
        "adw_signs_of_life",
        "recent_failures",
        "stale_checkpoints",
        "success_rate_by_type",
    }
    assert not [name for name, text in views if "issues" in str(text)]


def test_the_tracker_can_rebuild_its_issues_afterwards_but_not_before(earlier_db: Path) -> None:
    rebuild = (
        "PRAGMA foreign_keys = OFF; BEGIN;"
        "DROP VIEW IF EXISTS ready_issues; DROP VIEW IF EXISTS blocked_issues;"
        "CREATE TABLE issues_new AS SELECT * FROM issues;"
        "DROP TABLE issues; ALTER TABLE issues_new RENAME TO issues; COMMIT;"
    )
    with closing(sqlite3.connect(earlier_db)) as connection:
        with pytest.raises(sqlite3.OperationalError, match=r"error in view .*no such table: main\.issues"):
            connection.executescript(rebuild)
        connection.rollback()
    apply(earlier_db)
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.executescript(rebuild)
    assert rows(earlier_db, "SELECT count(*) FROM adw_executions") == [(3,)]


def test_the_issues_themselves_are_untouched(earlier_db: Path) -> None:
    before = rows(earlier_db, "SELECT * FROM issues ORDER BY id")
    apply(earlier_db)
    assert rows(earlier_db, "SELECT * FROM issues ORDER BY id") == before


def test_applying_again_changes_nothing(earlier_db: Path) -> None:
    apply(earlier_db)
    before = content(earlier_db)
    assert apply(earlier_db) == Migrated((), None, None)
    assert content(earlier_db) == before
    assert len(list((earlier_db.parent / "backups").iterdir())) == 1


def test_the_backup_holds_the_database_as_it_was(earlier_db: Path) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:  # its last row is in the log only
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(
            "INSERT INTO adw_executions (id, issue_id, phase, status) "
            "VALUES ('5', 'demo-5', 'plan', 'pending')"
        )
        connection.commit()
        before = content(earlier_db)
        backup = apply(earlier_db).backup
    assert backup is not None
    assert backup.path.name == "beads.db.20261123T120000Z.before-upgrade.sqlite3"
    assert content(backup.path) == before


def test_the_upgrade_is_written_down_among_the_reconciliations(earlier_db: Path) -> None:
    apply(earlier_db)
    assert rows(
        earlier_db, "SELECT seq, reconciled_at, kind, executions, detail FROM adw_reconciliations"
    ) == [
        (
            1,
            NOW,
            "upgraded",
            4,
            "upgraded from an earlier implementation (adw_checkpoints, adw_executions, schema_version, "
            "recent_failures, stale_checkpoints, success_rate_by_type, phase_progression_funnel): "
            "3 executions live, 1 archived; 2 checkpoints live, 2 archived",
        )
    ]


def test_opening_it_before_says_what_it_is_and_what_to_do(earlier_db: Path) -> None:
    with pytest.raises(
        NotMigratedError, match="holds the executions of an earlier implementation"
    ) as refusal:
        BeadsStateManager(earlier_db)
    assert refusal.value.hint == (
        f"run `adw migrate up --db {earlier_db}` once; it keeps every row, and a backup"
    )


def test_the_manager_works_with_the_rows_afterwards(earlier_db: Path, clock: SettableClock) -> None:
    apply(earlier_db)
    with BeadsStateManager(earlier_db, clock=clock) as state:
        run = state.take_over("3a2b3c4d", "somebody")
        state.save_checkpoint(run.id, "build", "changed", {"n": 1})
        attempt = state.start_attempt(run.id, "build")
        state.finish_attempt(attempt, "completed")
        assert state.update_execution_status(run.id, "completed").completed_at == clock.now()
        newest = state.load_checkpoint("1a2b3c4d")
        assert newest is not None
        assert (newest.checkpoint_name, newest.seq, newest.data) == ("built", 2, {})
        assert state.summarize().counts["completed"] == 2


def test_an_orphan_comes_back_when_the_tracker_has_its_issue_again(
    earlier_db: Path, clock: SettableClock
) -> None:
    apply(earlier_db)
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.execute("UPDATE issues SET id = 'demo-99' WHERE id = 'demo-4'")
        connection.commit()
    with BeadsStateManager(earlier_db, clock=clock) as state:
        back = state.get_execution("4a2b3c4d")
        assert back is not None
        assert (back.issue_id, back.status) == ("demo-99", "failed")
        assert [point.checkpoint_name for point in state.list_checkpoints(back.id)] == ["planned"]
    assert rows(earlier_db, "SELECT count(*) FROM adw_executions_archive") == [(0,)]


def test_rows_that_a_rename_had_orphaned_follow_their_issue_at_the_first_opening(
    earlier_db: Path, clock: SettableClock
) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:  # as bd does it: foreign keys off, and an event
        connection.execute("UPDATE issues SET id = 'new-2' WHERE id = 'demo-2'")
        connection.execute(
            "INSERT INTO events (issue_id, event_type, actor, old_value, new_value, created_at) "
            "VALUES ('new-2', 'renamed', 'me', 'demo-2', 'new-2', '2026-11-21 08:00:00')"
        )
        connection.commit()
    done = apply(earlier_db).upgrade
    assert done is not None
    assert (done.executions, done.executions_archived) == (2, 2)
    with BeadsStateManager(earlier_db, clock=clock) as state:
        found = state.get_execution("2a2b3c4d")
        assert found is not None
        assert found.issue_id == "new-2"
