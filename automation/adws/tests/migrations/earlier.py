"""Databases as an earlier implementation of this idea made them, written from a description of it.

Its migrations note themselves in `schema_version`, starts are SQLite's CURRENT_TIMESTAMP (UTC), ends are
Python's local `isoformat()`, and its four views read the tracker's `issues`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adw_state.clock import SettableClock
from adw_state.recovery.upgrade import Migrated, migrate, upgrade
from adw_state.schema.migration_files import known
from adws.tests.conftest import NOW

VERSIONS = tuple(migration.version for migration in known())

RECORD = """
CREATE TABLE schema_version (
    version TEXT PRIMARY KEY,
    applied_at TEXT DEFAULT CURRENT_TIMESTAMP,
    description TEXT,
    rollback_sql TEXT
);
INSERT INTO schema_version (version, description, rollback_sql)
VALUES ('000', 'Create schema_version', 'DROP TABLE IF EXISTS schema_version;');
"""
TABLES = """
CREATE TABLE adw_executions (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('plan', 'build', 'review')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
    started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at TEXT,
    error_message TEXT,
    worktree_name TEXT,
    worktree_path TEXT,
    branch_name TEXT,
    extra_data TEXT,
    FOREIGN KEY (issue_id) REFERENCES issues(id) ON DELETE CASCADE
);
CREATE INDEX idx_executions_issue ON adw_executions(issue_id);
CREATE INDEX idx_executions_status ON adw_executions(status);
CREATE INDEX idx_executions_phase ON adw_executions(phase);
CREATE TABLE adw_checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    checkpoint_name TEXT NOT NULL,
    checkpoint_data TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (execution_id) REFERENCES adw_executions(id) ON DELETE CASCADE
);
CREATE INDEX idx_checkpoints_execution ON adw_checkpoints(execution_id);
INSERT INTO schema_version (version, description, rollback_sql)
VALUES ('001', 'Add ADW tables', 'DROP TABLE adw_checkpoints; DROP TABLE adw_executions;');
"""
VIEWS = """
CREATE VIEW recent_failures AS
SELECT e.id, e.issue_id, i.title, i.issue_type, e.phase, e.error_message, e.completed_at
FROM adw_executions e JOIN issues i ON i.id = e.issue_id
WHERE e.status = 'failed' ORDER BY e.completed_at DESC LIMIT 50;
CREATE VIEW stale_checkpoints AS
SELECT c.id, c.execution_id, i.title, c.checkpoint_name,
    CAST((julianday('now') - julianday(c.created_at)) * 24 AS INTEGER) AS hours
FROM adw_checkpoints c
JOIN adw_executions e ON e.id = c.execution_id
JOIN issues i ON i.id = e.issue_id
WHERE hours > 24;
CREATE VIEW success_rate_by_type AS
SELECT i.issue_type, COUNT(*) AS total, SUM(e.status = 'completed') * 100.0 / COUNT(*) AS rate
FROM adw_executions e LEFT JOIN issues i ON i.id = e.issue_id GROUP BY i.issue_type;
CREATE VIEW phase_progression_funnel AS
SELECT e.phase, COUNT(*) AS runs, SUM(e.status = 'completed') AS done
FROM adw_executions e JOIN issues i ON i.id = e.issue_id GROUP BY e.phase;
INSERT INTO schema_version (version, description, rollback_sql)
VALUES ('002', 'Create analytics views', 'DROP VIEW IF EXISTS recent_failures;');
"""
EVERYTHING = (RECORD, TABLES, VIEWS)

Row = Mapping[str, Any]


def make_earlier(
    database: Path,
    executions: Iterable[Row] = (),
    checkpoints: Iterable[Row] = (),
    *,
    scripts: Sequence[str] = EVERYTHING,
) -> Path:
    """Put the earlier implementation's schema and these rows into a tracker's database."""
    with closing(sqlite3.connect(database)) as connection:
        for script in scripts:
            connection.executescript(script)
        for row in executions:
            _insert(connection, "adw_executions", row)
        for row in checkpoints:
            _insert(connection, "adw_checkpoints", row)
        connection.commit()
    return database


def execution(execution_id: str | None, issue_id: str | None = "demo-1", **columns: Any) -> Row:
    """A row of its table of executions."""
    usual = {"phase": "plan", "status": "in_progress", "started_at": "2026-11-20 10:00:00"}
    return {"id": execution_id, "issue_id": issue_id, **usual, **columns}


def checkpoint(execution_id: str | None, name: str, at: str, phase: str = "plan", **columns: Any) -> Row:
    """A row of its table of checkpoints."""
    usual = {"checkpoint_data": "{}", "created_at": at, "phase": phase}
    return {"execution_id": execution_id, "checkpoint_name": name, **usual, **columns}


# Four executions, the last one of an issue that is not there, and checkpoints, the last one of no execution.
EXECUTIONS = (
    execution("1a2b3c4d", status="completed", phase="review", completed_at="2026-11-20T10:40:00"),
    execution("2a2b3c4d", "demo-2", status="failed", error_message="no tests", extra_data='{"pr":7}'),
    execution("3a2b3c4d", "demo-3", phase="build", worktree_name="w3", branch_name="b3"),
    execution("4a2b3c4d", "demo-99", status="failed", completed_at="2026-11-20T10:40:00"),
)
CHECKPOINTS = (
    checkpoint("1a2b3c4d", "planned", "2026-11-20 10:10:00"),
    checkpoint("1a2b3c4d", "built", "2026-11-20 10:20:00", phase="build"),
    checkpoint("4a2b3c4d", "planned", "2026-11-20 10:20:00"),
    checkpoint("deadbeef", "lost", "2026-11-20 10:20:00"),
)


def apply(database: Path) -> Migrated:
    """Migrate a database at NOW, with its backups beside it."""
    return migrate(
        database,
        may_make=False,
        backup_folder=database.parent / "backups",
        clock=SettableClock(NOW),
    )


def rows(database: Path, text: str) -> list[tuple[Any, ...]]:
    """What a query answers."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(text).fetchall()


def content(database: Path) -> list[str]:
    """Everything in the database, as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


class Became:
    """The rows of our tables after an upgrade."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def all(self, text: str) -> list[tuple[Any, ...]]:
        """What a query answers, of a sound database."""
        assert rows(self.database, "PRAGMA integrity_check") == [("ok",)]
        return rows(self.database, text)

    def run(self, columns: str) -> tuple[Any, ...]:
        """These columns of the only execution that lives."""
        (row,) = self.all(f"SELECT {columns} FROM adw_executions")
        return row

    @property
    def notes(self) -> Any:
        """What is said about the only execution."""
        (text,) = self.run("extra_data")
        return None if text is None else json.loads(text)["earlier_implementation"]


def upgraded(
    database: Path,
    executions: Sequence[Row],
    checkpoints: Sequence[Row] = (),
    scripts: Sequence[str] = EVERYTHING,
) -> Became:
    """A database of these rows, upgraded on a machine in Los Angeles."""
    make_earlier(database, executions, checkpoints, scripts=scripts)
    folder, zone = database.parent / "backups", ZoneInfo("America/Los_Angeles")
    upgrade(database, backup_folder=folder, clock=SettableClock(NOW), zone=zone)
    return Became(database)


def _insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
