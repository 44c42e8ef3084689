"""Applying migrations: once, in order, with a backup, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import AdwError, MigrationError, SchemaTooNewError, StoreBusyError
from adw_state.schema import migration_files, migration_status, migrations
from adw_state.schema.migration_files import known
from adw_state.state import BeadsStateManager
from adw_state.store import sql
from adws.tests.conftest import NOW
from adws.tests.migrations.databases import ALL, apply, content, run_sql


def test_everything_is_applied_and_recorded_after_a_backup(tracker_db: Path) -> None:
    before = content(tracker_db)
    outcome = apply(tracker_db)
    assert outcome.versions == ALL
    assert outcome.backup is not None
    assert (
        outcome.backup.path == tracker_db.parent / "backups" / "beads.db.20261123T120000Z.before-000.sqlite3"
    )
    assert outcome.backup.size_bytes == outcome.backup.path.stat().st_size
    assert content(outcome.backup.path) == before
    with closing(sqlite3.connect(tracker_db)) as connection:
        recorded = connection.execute("SELECT * FROM schema_version ORDER BY version").fetchall()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert recorded == [(m.version, m.name, m.sha256, NOW) for m in known()]
    assert [(step.version, step.state) for step in migration_status.status(tracker_db)] == [
        (version, "applied") for version in ALL
    ]
    after = content(tracker_db)
    assert {name: rows for name, rows in after.items() if name in before and name != "objects"} == {
        name: rows for name, rows in before.items() if name != "objects"
    }


def test_applying_twice_changes_nothing_and_copies_nothing(beads_db: Path) -> None:
    before = beads_db.read_bytes()
    assert apply(beads_db) == migrations.Outcome((), None)
    assert beads_db.read_bytes() == before
    assert not (beads_db.parent / "backups").exists()


def test_what_is_missing_is_applied_and_what_is_there_is_left(tracker_db: Path) -> None:
    apply(tracker_db)
    migrations.roll_back(tracker_db, "002", backup_folder=tracker_db.parent / "backups")
    outcome = apply(tracker_db)
    assert outcome.versions == ALL[2:]
    assert outcome.backup is not None
    assert ".before-002." in outcome.backup.path.name
    assert migration_status.problems(tracker_db) == []


@pytest.mark.parametrize("shared", [True, False])
def test_the_foreign_key_to_issues_is_there_only_in_a_shared_file(
    tracker_db: Path, tmp_path: Path, shared: bool
) -> None:
    path = tracker_db
    if shared:
        apply(path)
    else:
        path = tmp_path / "adw" / "state.sqlite3"
        migrations.create_store(path, backup_folder=tmp_path / "backups", clock=SettableClock(NOW))
    with closing(sqlite3.connect(path)) as connection:
        keys = connection.execute(
            'SELECT "table", "from", "to", on_update, on_delete'
            " FROM pragma_foreign_key_list('adw_executions')"
        ).fetchall()
    assert keys == ([("issues", "issue_id", "id", "CASCADE", "CASCADE")] if shared else [])


def test_a_store_of_our_own_is_private_and_keeps_a_log(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "state.sqlite3"
    outcome = migrations.create_store(path, backup_folder=tmp_path / "backups", clock=SettableClock(NOW))
    assert outcome == migrations.Outcome(ALL, None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    before = path.read_bytes()
    again = migrations.create_store(path, backup_folder=tmp_path / "backups", clock=SettableClock(NOW))
    assert again == migrations.Outcome((), None)
    assert path.read_bytes() == before


def test_a_store_whose_maker_died_before_it_wrote_anything_is_made_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    path.touch()
    assert migrations.create_store(path, backup_folder=tmp_path / "b").versions == ALL
    BeadsStateManager(path).close()


def test_an_applied_file_that_was_edited_later_is_refused(beads_db: Path) -> None:
    run_sql(beads_db, "UPDATE schema_version SET sha256 = 'other' WHERE version = '001'")
    before = content(beads_db)
    for use in (apply, _roll_back):
        with pytest.raises(MigrationError) as caught:
            use(beads_db)
        assert str(caught.value) == (
            f"migration 001 (add_adw_tables) was edited after it was applied to {beads_db}"
        )
    assert content(beads_db) == before


def _roll_back(path: Path) -> migrations.Outcome:
    return migrations.roll_back(path, "000", backup_folder=path.parent / "backups")


def test_a_database_of_a_newer_version_is_refused(beads_db: Path) -> None:
    run_sql(beads_db, f"INSERT INTO schema_version VALUES ('999', 'later', 'x', '{NOW}')")
    before = content(beads_db)
    for use in (apply, _roll_back):
        with pytest.raises(SchemaTooNewError) as caught:
            use(beads_db)
        assert str(caught.value) == f"{beads_db} has migration 999 (later), which this version does not know"
    assert content(beads_db) == before


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)",
            "this database has a table schema_version that is not ours",
        ),
        (
            "CREATE TABLE myapp_executions (issue_id TEXT)",
            "index idx_executions_issue exists already and belongs to myapp_executions",
        ),
        (
            "CREATE TABLE adw_checkpoints (x)",
            "table adw_checkpoints exists already and belongs to adw_checkpoints",
        ),
        ("CREATE TABLE ADW_Phase_Attempts (x)", "table ADW_Phase_Attempts exists already"),
        ("CREATE VIEW recent_failures AS SELECT 1", "view recent_failures exists already"),
        ("CREATE INDEX adw_archive_requests ON issues (title)", "index adw_archive_requests exists already"),
    ],
)
def test_a_name_that_somebody_else_uses_is_refused_and_nothing_is_made(
    tracker_db: Path, statement: str, reason: str
) -> None:
    run_sql(tracker_db, statement)
    if "myapp" in statement:
        run_sql(tracker_db, "CREATE INDEX idx_executions_issue ON myapp_executions (issue_id)")
    before = content(tracker_db)
    with pytest.raises(MigrationError) as caught:
        apply(tracker_db)
    assert reason in str(caught.value)
    assert caught.value.hint
    assert content(tracker_db) == before
    assert not (tracker_db.parent / "backups").exists()


def _with_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """From here on there is one migration more."""
    folder = tmp_path / "migrations"
    shutil.copytree(sql.MIGRATIONS, folder)
    (folder / "998_made_up.sql").write_text(text, encoding="utf-8")
    all_of_them = migration_files.known(folder)
    for module in (migrations, migration_status):
        monkeypatch.setattr(module, "known", lambda: all_of_them)


def test_of_a_migration_that_fails_nothing_stays_and_those_before_it_do(
    tracker_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_another(
        monkeypatch,
        tmp_path,
        "-- x\n-- migrate:up\nCREATE TABLE adw_half (x TEXT CHECK (x <> 'demo-3'));\n"
        "INSERT INTO adw_half SELECT id FROM issues ORDER BY id;\n-- migrate:down\nDROP TABLE adw_half;\n",
    )
    with pytest.raises(MigrationError) as caught:
        apply(tracker_db)
    assert str(caught.value) == (
        f"migration 998 (made_up) failed on {tracker_db}: CHECK constraint failed: x <> 'demo-3'"
    )
    assert caught.value.hint == "nothing of it was kept; the backup made before it is untouched"
    assert [name for _, name, *_ in content(tracker_db)["objects"] if str(name).startswith("adw_half")] == []
    states = {step.version: step.state for step in migration_status.status(tracker_db)}
    assert states == {**dict.fromkeys(ALL, "applied"), "998": "pending"}


def test_a_further_migration_is_applied_to_a_database_with_rows_which_stay(
    beads_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1", first_checkpoint=("x", 1))
    _with_another(
        monkeypatch,
        tmp_path,
        "-- x\n-- migrate:up\nCREATE TABLE adw_more (x TEXT);\n-- migrate:down\nDROP TABLE adw_more;\n",
    )
    outcome = apply(beads_db)
    assert outcome.versions == ("998",)
    assert outcome.backup is not None
    assert content(beads_db)["adw_executions"][0][0] == run.id
    assert content(outcome.backup.path)["adw_executions"] == content(beads_db)["adw_executions"]


@pytest.mark.parametrize(
    "spoil", ["DROP INDEX idx_executions_phase", "DROP TRIGGER adw_executions_archive_before_delete"]
)
def test_a_schema_that_is_not_what_the_migrations_make_is_refused_at_the_end(
    beads_db: Path, spoil: str
) -> None:
    run_sql(beads_db, spoil)
    with pytest.raises(MigrationError, match=f"{spoil.split()[2]} is missing"):
        apply(beads_db)


def test_a_lock_of_another_program_is_called_a_lock(
    tracker_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "BUSY_TIMEOUT_SECONDS", 0.01)
    before = content(tracker_db)
    with closing(sqlite3.connect(tracker_db, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            apply(tracker_db)
    assert content(tracker_db) == before
    assert apply(tracker_db).versions == ALL


def test_a_backup_that_cannot_be_made_stops_everything(tracker_db: Path) -> None:
    before = content(tracker_db)
    (tracker_db.parent / "backups").write_text("a file in its place")
    with pytest.raises(AdwError, match="no backup can be written to"):
        apply(tracker_db)
    assert content(tracker_db) == before


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("1_short.sql", "-- migrate:up\n-- migrate:down\n", "is not named like a migration"),
        ("005_Big.sql", "-- migrate:up\n-- migrate:down\n", "is not named like a migration"),
        (
            "005_no_down.sql",
            "-- migrate:up\nSELECT 1;\n",
            "lacks its '-- migrate:up' or '-- migrate:down' line",
        ),
    ],
)
def test_a_file_that_is_no_migration_is_an_error_of_ours(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=reason):
        known(tmp_path)


def test_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    for migration, path in zip(known(), sorted(sql.MIGRATIONS.glob("*.sql")), strict=True):
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
        (tmp_path / path.name).write_bytes(text.encode())
        assert known.__wrapped__(tmp_path)[-1].sha256 == migration.sha256
