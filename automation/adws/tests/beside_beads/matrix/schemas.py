"""What lies beside the issues: our tables, or those that one would naively write."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from adw_state.schema import migrations
from adw_state.state import BeadsStateManager
from adws.tests.beside_beads import history
from adws.tests.beside_beads.history import rows

_NAIVE = """
CREATE TABLE adw_executions (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'failed',
    phase TEXT NOT NULL DEFAULT 'plan',
    error_message TEXT,
    started_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (issue_id) REFERENCES issues(id) ON DELETE CASCADE
);
CREATE TABLE adw_checkpoints (
    id INTEGER PRIMARY KEY,
    execution_id TEXT NOT NULL REFERENCES adw_executions(id) ON DELETE CASCADE,
    checkpoint_name TEXT NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP
);
CREATE VIEW recent_failures AS
    SELECT e.id, i.title, e.error_message FROM adw_executions e JOIN issues i ON e.issue_id = i.id
    WHERE e.status = 'failed';
CREATE VIEW stale_checkpoints AS
    SELECT c.id, i.title FROM adw_checkpoints c JOIN adw_executions e ON c.execution_id = e.id
    JOIN issues i ON e.issue_id = i.id;
CREATE VIEW success_rate_by_type AS
    SELECT i.issue_type, count(*) AS total FROM adw_executions e JOIN issues i ON e.issue_id = i.id
    GROUP BY i.issue_type;
"""


class Schema(Protocol):
    """A way to keep executions beside issues."""

    name: str

    def install(self, database: Path, issues: list[str]) -> None:
        """Make the tables, and an execution with what belongs to it for each issue."""

    def begin(self, database: Path, issue: str) -> str:
        """One more execution, as from a running workflow; its id."""

    def at_work(self, database: Path, issue: str) -> AbstractContextManager[None]:
        """A workflow on this issue that keeps the database open."""

    def opened(self, database: Path) -> Counter[str]:
        """Open the database as our next command does; how many executions were reconciled, by kind."""

    def everything(self, database: Path) -> Counter[object]:
        """Every row that may not get lost, without the issue that it belongs to."""

    def live(self, database: Path) -> dict[str, str]:
        """The issue of each live execution."""

    def archived(self, database: Path) -> set[str]:
        """The executions that are kept in an archive."""


class Ours:
    """The schema and the reconciliation of this project."""

    name = "ours"

    def install(self, database: Path, issues: list[str]) -> None:
        migrations.apply(database, backup_folder=database.parents[1] / "backups")
        for issue in issues:
            self.begin(database, issue)

    def begin(self, database: Path, issue: str) -> str:
        with BeadsStateManager(database) as state:
            return history.run_on(state, issue).id

    @contextmanager
    def at_work(self, database: Path, issue: str) -> Iterator[None]:
        with BeadsStateManager(database) as state:
            history.run_on(state, issue)
            yield

    def opened(self, database: Path) -> Counter[str]:
        reconciled: Counter[str] = Counter()
        with BeadsStateManager(database) as state:
            for reconciliation in state.reconciled:
                reconciled[reconciliation.kind] += reconciliation.executions
        return reconciled

    def everything(self, database: Path) -> Counter[object]:
        tables = history.everything(database)
        return Counter((table, *row) for table, found in tables.items() for row in found)

    def live(self, database: Path) -> dict[str, str]:
        return history.live(database)

    def archived(self, database: Path) -> set[str]:
        return set(history.archived(database))


class Naive:
    """The control: views over the tracker's issues, a plain cascade, no archive, no reconciliation."""

    name = "naive"

    def install(self, database: Path, issues: list[str]) -> None:
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript(_NAIVE)
        for issue in issues:
            self.begin(database, issue)

    def begin(self, database: Path, issue: str) -> str:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            [[number]] = connection.execute("SELECT count(*) FROM adw_checkpoints").fetchall()
            run = f"run-{number}"
            connection.execute("INSERT INTO adw_executions (id, issue_id) VALUES (?, ?)", (run, issue))
            connection.execute(
                "INSERT INTO adw_checkpoints (execution_id, checkpoint_name) VALUES (?, 'started')", (run,)
            )
            return run

    @contextmanager
    def at_work(self, database: Path, issue: str) -> Iterator[None]:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT * FROM adw_executions").fetchall()
            self.begin(database, issue)
            yield

    def opened(self, database: Path) -> Counter[str]:
        return Counter()

    def everything(self, database: Path) -> Counter[object]:
        return Counter(
            rows(database, "SELECT 'execution', id FROM adw_executions")
            + rows(database, "SELECT 'checkpoint', execution_id FROM adw_checkpoints")
        )

    def live(self, database: Path) -> dict[str, str]:
        return history.live(database)

    def archived(self, database: Path) -> set[str]:
        return set()
