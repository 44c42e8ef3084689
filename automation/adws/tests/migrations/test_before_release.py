"""A database that a version before the first release made is upgraded in place, with all its history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import NotMigratedError
from adw_state.recovery.places import OldFile
from adw_state.recovery.restoring import restore
from adw_state.recovery.sources import survey
from adw_state.schema.migration_status import problems, status
from adw_state.schema.previous_tables import look_for
from adw_state.state import BeadsStateManager
from adw_state.trackers.locate import locate
from adws.tests.conftest import NOW
from adws.tests.migrations.earlier import VERSIONS, apply, content, rows

START, LATER = "2026-11-20T10:00:00.000000Z", "2026-11-20T11:00:00.000000Z"
ROWS = f"""
INSERT INTO adw_executions (
    id, issue_id, issue_title, workflow, environment, phase, status, started_at, updated_at, completed_at,
    heartbeat_at, owner, fence, claimed, extra_data
)
VALUES
    ('run-1', 'demo-1', NULL, 'adw_sdlc', 'ci', 'build', 'in_progress', '{START}', '{LATER}',
    NULL, '{LATER}', 'me', 3, 1, '{{"n":1}}'),
    ('run-2', 'demo-2', NULL, 'adw_sdlc', 'local', 'review', 'completed', '{START}', '{LATER}', '{LATER}',
    NULL, NULL, 1, 0, NULL),
    ('run-3', 'demo-3', NULL, 'adw_sdlc', 'local', 'plan', 'failed', '{START}', '{LATER}', '{LATER}',
    NULL, NULL, 1, 0, NULL);
INSERT INTO adw_phase_attempts (
    execution_id, phase, attempt, status, started_at, finished_at, duration_seconds, cost_usd, input_tokens
)
VALUES
    ('run-1', 'plan', 1, 'completed', '{START}', '{LATER}', 60.0, 0.5, 7),
    ('run-1', 'build', 1, 'in_progress', '{LATER}', NULL, NULL, NULL, NULL),
    ('run-3', 'plan', 1, 'failed', '{START}', '{LATER}', 60.0, NULL, NULL);
INSERT INTO adw_checkpoints
VALUES
    ('op-1', 'run-1', 1, 'plan', 1, 'planned', '{{"file":"plan.md"}}', '{START}'),
    ('op-3', 'run-3', 1, 'plan', 1, 'asked', '[]', '{START}');
INSERT INTO adw_archive_requests VALUES ('run-3', '{LATER}', 'retention');
DELETE FROM adw_executions WHERE id = 'run-3';
DELETE FROM adw_archive_requests;
INSERT INTO adw_healings VALUES (1, '{START}', 'renamed', 'old-1', 'demo-1', 1, 'old-1 is demo-1 now');
"""


def make_before_release(database: Path) -> Path:
    """Put the tables of then, with rows, into a tracker's database."""
    script = (Path(__file__).parent / "before_release.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(script + ROWS)
    return database


@pytest.fixture
def old_db(tracker_db: Path) -> Path:
    return make_before_release(tracker_db)


def test_every_row_comes_over_live_or_archived(old_db: Path, clock: SettableClock) -> None:
    done = apply(old_db)

    assert done.versions == VERSIONS
    assert done.upgrade is not None
    assert (done.upgrade.executions, done.upgrade.executions_archived, done.upgrade.attempts) == (2, 1, 3)
    assert rows(old_db, "SELECT * FROM adw_checkpoints") == [
        ("op-1", "run-1", 1, "plan", 1, "planned", '{"file":"plan.md"}', START)
    ]
    assert rows(old_db, "SELECT id, status, archived_at, archive_reason FROM adw_executions_archive") == [
        ("run-3", "failed", LATER, "retention")
    ]
    assert rows(old_db, "SELECT op_id, archive_reason FROM adw_checkpoints_archive") == [
        ("op-3", "retention")
    ]
    with BeadsStateManager(old_db, clock=clock) as state:
        run = state.get_execution("run-1")
        plan, build = state.list_attempts("run-1")
    assert run is not None
    assert (run.phases, run.phase, run.environment) == (("plan", "build", "review"), "build", "ci")
    assert (run.owner, run.fence, run.claimed, run.extra_data) == ("me", 3, True, {"n": 1})
    assert (plan.place, plan.input_tokens, plan.cost_usd, plan.cost_kind) == (1, 7, 0.5, "reported")
    assert (build.place, build.status, build.cost_kind) == (2, "in_progress", None)


def test_the_file_is_then_as_the_migrations_make_it(old_db: Path) -> None:
    apply(old_db)

    assert problems(old_db) == []
    assert {step.state for step in status(old_db)} == {"applied"}
    assert rows(old_db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(old_db, "PRAGMA foreign_key_check") == []
    assert look_for(old_db) is None
    before = content(old_db)
    assert apply(old_db).versions == ()
    assert content(old_db) == before


def test_what_was_written_down_is_kept_and_the_upgrade_behind_it(old_db: Path) -> None:
    apply(old_db)

    text = "SELECT seq, reconciled_at, kind, old_issue_id, executions FROM adw_reconciliations"
    assert rows(old_db, text) == [
        (1, START, "renamed", "old-1", 1),
        (2, NOW, "upgraded", None, 3),
    ]


def test_opening_it_before_says_what_to_do(old_db: Path) -> None:
    with pytest.raises(NotMigratedError, match=r"holds the executions of an earlier version$") as refusal:
        BeadsStateManager(old_db)
    assert refusal.value.hint == f"run `adw migrate up --db {old_db}` once; it keeps every row, and a backup"


def test_a_run_whose_issue_is_gone_waits_in_the_archive(old_db: Path, clock: SettableClock) -> None:
    with closing(sqlite3.connect(old_db)) as connection:  # as bd does it: foreign keys off
        connection.execute("UPDATE issues SET id = 'demo-99' WHERE id = 'demo-2'")
        connection.commit()
    apply(old_db)
    assert rows(old_db, "SELECT id, archive_reason FROM adw_executions_archive ORDER BY id") == [
        ("run-2", "orphaned"),
        ("run-3", "retention"),
    ]
    with closing(sqlite3.connect(old_db)) as connection:
        connection.execute("UPDATE issues SET id = 'demo-2' WHERE id = 'demo-99'")
        connection.commit()
    with BeadsStateManager(old_db, clock=clock) as state:
        assert state.get_execution("run-2") is not None


def test_a_put_away_file_of_then_comes_back(
    beads_template: Path, tracker_template: Path, tmp_path: Path, clock: SettableClock
) -> None:
    project = tmp_path / "project"
    (project / ".beads").mkdir(parents=True)
    database = project / ".beads" / "beads.db"
    database.write_bytes(beads_template.read_bytes())
    old = tmp_path / "old.db"
    old.write_bytes(tracker_template.read_bytes())
    make_before_release(old)
    found = survey([OldFile(old, "named by you")], None, clock)

    done = restore(locate(cwd=project, environ={}), found.sources, clock, kind="recovered")

    assert (done.total.restored, done.total.archived) == (2, 1)
    with BeadsStateManager(database, clock=clock) as state:
        assert [attempt.phase for attempt in state.list_attempts("run-1")] == ["plan", "build"]
