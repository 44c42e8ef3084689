"""A health check that finds what is wrong and only what is wrong."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import default_clock
from adw_state.schema import health
from adw_state.schema.check import Target
from adw_state.schema.health import Health, check_health
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW


def _faults(found: Health) -> dict[str, str]:
    """What is wrong, by check; each finding says why that matters."""
    faults = [one for one in found.findings if one.severity != "ok"]
    assert all(one.why for one in faults)
    return {one.check: one.what for one in faults}


def _check(path: Path) -> Health:
    return check_health(Target(path, default_clock(), busy_timeout_seconds=0.01))


def test_a_fresh_database_has_no_fault(state: BeadsStateManager, sidecar_db: Path) -> None:
    state.create_execution("proj-7", first_checkpoint=("x", 1))
    found = state.check_health()
    assert found.ok
    assert found.path == str(sidecar_db)
    assert [one.check for one in found.findings] == [
        "integrity",
        "migrations",
        "references",
        "schema",
        "disk",
        "log-size",
        "writable",
    ]


def test_a_fresh_database_beside_issues_has_none_either(beads_state: BeadsStateManager) -> None:
    beads_state.create_execution("demo-1")
    assert _faults(beads_state.check_health()) == {}


def test_a_check_writes_nothing(state: BeadsStateManager, sidecar_db: Path) -> None:
    state.close()
    before = sidecar_db.read_bytes()
    _check(sidecar_db)
    assert sidecar_db.read_bytes() == before
    assert [path.name for path in sidecar_db.parent.iterdir()] == ["state.sqlite3"]


def _run_sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                connection.execute(statement)

    return damage


@pytest.mark.parametrize(
    ("damage", "name", "detail"),
    [
        (_run_sql("DROP INDEX idx_executions_issue"), "schema", "index idx_executions_issue is missing"),
        (_run_sql("DROP VIEW recent_failures"), "schema", "view recent_failures is missing"),
        (
            _run_sql("DROP TRIGGER adw_checkpoints_archive_before_delete"),
            "schema",
            "trigger adw_checkpoints_archive_before_delete is missing",
        ),
        (
            _run_sql(
                "DROP INDEX idx_executions_issue", "CREATE INDEX idx_executions_issue ON issues (title)"
            ),
            "schema",
            "idx_executions_issue is a index of issues, not our index of adw_executions",
        ),
        (
            _run_sql("DROP VIEW recent_failures", "CREATE VIEW recent_failures AS SELECT 1 AS id"),
            "schema",
            "view recent_failures differs from what the migrations make",
        ),
        (_run_sql("DELETE FROM schema_version WHERE version = '002'"), "migrations", "Pending: 002"),
        (
            _run_sql(f"INSERT INTO schema_version VALUES ('999', 'later', 'x', '{NOW}')"),
            "migrations",
            "has migration 999 (later), which this version does not know",
        ),
        (
            _run_sql("UPDATE schema_version SET sha256 = 'x' WHERE version = '001'"),
            "migrations",
            "migration 001 (add_adw_tables) was edited after it was applied",
        ),
        (_run_sql("DELETE FROM issues WHERE id = 'demo-1'"), "references", "1 row without a parent."),
    ],
)
def test_each_fault_is_found_and_named(
    beads_state: BeadsStateManager, beads_db: Path, damage: Callable[[Path], None], name: str, detail: str
) -> None:
    beads_state.create_execution("demo-1")
    damage(beads_db)  # with foreign keys off, as the sqlite3 shell has them
    found = _faults(beads_state.check_health())
    assert list(found) == [name]
    assert detail in found[name]


def test_a_database_held_by_another_program_is_not_writable(
    state: BeadsStateManager, sidecar_db: Path
) -> None:
    with closing(sqlite3.connect(sidecar_db, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        found = _check(sidecar_db)
        assert _faults(found) == {"writable": f"{sidecar_db} stayed locked by another process."}


def test_a_database_that_cannot_even_be_read_now_is_not_called_damaged(
    state: BeadsStateManager, sidecar_db: Path
) -> None:
    state.close()
    with closing(sqlite3.connect(sidecar_db, isolation_level=None)) as foreign:
        foreign.execute("PRAGMA locking_mode = EXCLUSIVE")
        foreign.execute("BEGIN EXCLUSIVE")
        foreign.execute("DELETE FROM adw_checkpoints")
        faults = [one for one in _check(sidecar_db).findings if one.severity != "ok"]
    assert [(one.what, one.damaged) for one in faults] == [
        (f"{sidecar_db} stayed locked by another process.", False)
    ]


def test_a_corrupt_page_is_found_where_a_mere_question_would_not_look(
    state: BeadsStateManager, sidecar_db: Path
) -> None:
    for number in range(200):
        state.create_execution("proj-7", first_checkpoint=("x", "y" * 500 + str(number)))
    state.close()
    with sidecar_db.open("rb+") as file:
        file.seek(sidecar_db.stat().st_size - 8192)
        file.write(b"\xff" * 4096)
    found = _faults(_check(sidecar_db))
    assert found.keys() & {"integrity", "schema"}


def test_a_log_that_grows_and_a_disk_that_is_full_are_told(
    state: BeadsStateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_LARGE_LOG_BYTES", 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    state.create_execution("proj-7")
    found = _faults(state.check_health())
    assert list(found) == ["disk", "log-size"]
    assert found["disk"] == "1 bytes are free on the disk."
