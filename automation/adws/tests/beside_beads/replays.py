"""What trackers do to their file, as the SQL that they do it with, for machines without the programs.

Written from the description of bd's and br's behaviour; each function opens a connection of its own and
closes it, as a command of the tracker would.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BORN = "2001-11-23T12:00:00.000000Z"
"""When the issues of the tests' trackers were made: long before the real time, which engines write."""

_REBUILT_COLUMNS = (
    "id, title, description, design, acceptance_criteria, notes, status, priority, issue_type, assignee,"
    " estimated_minutes, created_at, updated_at, closed_at, external_ref"
)

DROP_VIEWS = ("DROP VIEW IF EXISTS ready_issues", "DROP VIEW IF EXISTS blocked_issues")
MAKE_VIEWS = (
    "CREATE VIEW IF NOT EXISTS ready_issues AS SELECT i.* FROM issues AS i WHERE i.status = 'open'"
    " AND NOT EXISTS (SELECT 1 FROM dependencies AS d WHERE d.issue_id = i.id)",
    "CREATE VIEW IF NOT EXISTS blocked_issues AS SELECT i.*, count(d.depends_on_id) AS blockers"
    " FROM issues AS i INNER JOIN dependencies AS d ON i.id = d.issue_id GROUP BY i.id",
)
"""The two views that bd keeps over its own tables."""


@contextmanager
def tracker(path: Path, *, foreign_keys: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection as the tracker opens it; its one transaction is committed at the end."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


def create(path: Path, issue_id: str, title: str = "A task", *, born: str = BORN, **other: object) -> None:
    """`bd create`: the issue and its first event."""
    with tracker(path) as connection:
        _insert(connection, "INSERT", issue_id, title, born, other)
        add_event(connection, issue_id, "created", str(other.get("actor", "somebody")))


def rename(path: Path, old: str, new: str) -> None:
    """`bd rename`: the id changes with foreign keys off, and with it those of bd's own tables."""
    with tracker(path, foreign_keys=False) as connection:
        _rename(connection, old, new)


def rename_prefix(path: Path, old: str, new: str) -> None:
    """`bd rename-prefix`: every issue gets another id."""
    for issue_id in ids(path):
        rename(path, issue_id, new + issue_id.removeprefix(old))


def renumber(path: Path, prefix: str) -> dict[str, str]:
    """`bd renumber`: every issue to the next free number, through a temporary id; old id to new id."""
    new = {issue_id: f"{prefix}-{number}" for number, issue_id in enumerate(ids(path), start=1)}
    temporary = {old: f"temp-{uuid.uuid5(uuid.NAMESPACE_URL, old)}" for old in new}
    for old, between in temporary.items():
        rename(path, old, between)
    for old, between in temporary.items():
        rename(path, between, new[old])
    return new


def swap(path: Path, one: str, other: str) -> None:
    """Two issues change ids."""
    rename(path, one, "temp-swap")
    rename(path, other, one)
    rename(path, "temp-swap", other)


def delete(path: Path, issue_id: str, *, foreign_keys: bool = True) -> None:
    """A hard delete, by which bd takes the issue's events away too."""
    with tracker(path, foreign_keys=foreign_keys) as connection:
        connection.execute("DELETE FROM events WHERE issue_id = ?", (issue_id,))
        connection.execute("DELETE FROM dirty_issues WHERE issue_id = ?", (issue_id,))
        connection.execute("DELETE FROM issues WHERE id = ?", (issue_id,))


def tombstone(path: Path, issue_id: str) -> None:
    """`bd delete` since 0.30: the row stays and says that it is deleted."""
    with tracker(path) as connection:
        connection.execute("UPDATE issues SET status = 'tombstone' WHERE id = ?", (issue_id,))
        add_event(connection, issue_id, "deleted", "somebody")


def import_under_new_id(path: Path, old: str, new: str, *, actor: str = "import-rename") -> None:
    """bd's import of a line with known content and an unknown id: delete the one, make the other."""
    with tracker(path) as connection:
        row = connection.execute("SELECT title, created_at, issue_type FROM issues WHERE id = ?", (old,))
        title, born, issue_type = row.fetchone()
    delete(path, old)
    with tracker(path) as connection:
        _insert(connection, "INSERT", new, title, born, {"issue_type": issue_type})
        add_event(connection, new, "created", actor)


def replace(path: Path, issue_id: str, title: str, **other: object) -> None:
    """br's import of a changed line: INSERT OR REPLACE, which deletes the row first."""
    with tracker(path) as connection:
        row = connection.execute("SELECT created_at FROM issues WHERE id = ?", (issue_id,)).fetchone()
        _insert(connection, "INSERT OR REPLACE", issue_id, title, row[0], other)


def rebuild_issues(path: Path) -> None:
    """bd's migrations that make the table of issues anew, its views dropped before and made after."""
    with tracker(path, foreign_keys=False) as connection:
        for statement in rebuilding_issues(connection):
            connection.execute(statement)


def rebuilding_issues(connection: sqlite3.Connection) -> list[str]:
    """The statements of that, for a table of this shape."""
    [[text]] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'issues'").fetchall()
    return [
        *DROP_VIEWS,
        f"CREATE TABLE issues_new {text[text.index('(') :]}",
        f"INSERT INTO issues_new ({_REBUILT_COLUMNS}) SELECT {_REBUILT_COLUMNS} FROM issues",
        "DROP TABLE issues",
        "ALTER TABLE issues_new RENAME TO issues",
        "CREATE INDEX IF NOT EXISTS idx_issues_status ON issues (status)",
        *MAKE_VIEWS,
    ]


def rebuild_dependencies(path: Path) -> None:
    """bd's migration that makes the table of dependencies anew, on every open since 0.34."""
    statements = [
        *DROP_VIEWS,
        "CREATE TABLE dependencies_new (issue_id TEXT NOT NULL, depends_on_id TEXT NOT NULL,"
        " type TEXT NOT NULL DEFAULT 'blocks', created_at DATETIME NOT NULL, created_by TEXT NOT NULL,"
        " PRIMARY KEY (issue_id, depends_on_id), FOREIGN KEY (issue_id) REFERENCES issues (id)"
        " ON DELETE CASCADE)",
        "INSERT INTO dependencies_new SELECT * FROM dependencies",
        "DROP TABLE dependencies",
        "ALTER TABLE dependencies_new RENAME TO dependencies",
        *MAKE_VIEWS,
    ]
    with tracker(path, foreign_keys=False) as connection:
        for statement in statements:
            connection.execute(statement)


def add_event(
    connection: sqlite3.Connection,
    issue_id: str,
    kind: str,
    actor: str,
    old: str = "",
    new: str = "",
) -> None:
    """An entry in the history of an issue, timed by the engine in whole seconds."""
    connection.execute(
        "INSERT INTO events (issue_id, event_type, actor, old_value, new_value) VALUES (?, ?, ?, ?, ?)",
        (issue_id, kind, actor, old, new),
    )


def ids(path: Path) -> list[str]:
    """The ids of all issues, in the order in which their rows stand."""
    with tracker(path) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM issues ORDER BY rowid")]


def _rename(connection: sqlite3.Connection, old: str, new: str) -> None:
    connection.execute("UPDATE issues SET id = ? WHERE id = ?", (new, old))
    for table in ("events", "labels", "comments", "dirty_issues", "dependencies"):
        connection.execute(f"UPDATE {table} SET issue_id = ? WHERE issue_id = ?", (new, old))
    connection.execute("UPDATE dependencies SET depends_on_id = ? WHERE depends_on_id = ?", (new, old))
    add_event(connection, new, "renamed", "somebody", old, new)


def _insert(
    connection: sqlite3.Connection,
    verb: str,
    issue_id: str,
    title: str,
    born: str,
    other: Mapping[str, object],
) -> None:
    values = {"id": issue_id, "title": title, "created_at": born, "updated_at": born}
    values |= {name: str(value) for name, value in other.items() if name != "actor"}
    marks = ", ".join("?" * len(values))
    connection.execute(
        f"{verb} INTO issues ({', '.join(values)}) VALUES ({marks})",
        tuple(values.values()),
    )
