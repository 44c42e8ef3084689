"""Which tables a stored view or trigger reads and writes, as SQLite itself sees it.

Statements are compiled on an empty copy, never run, and SQLite is asked at each step what is touched and
on whose behalf. That is exact where a search for words would not be.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from adw_state.doctor.replay import copy_of_schema

_TOUCHING = {
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
}
_SPRINGS = (
    "EXPLAIN DELETE FROM {table}",
    "EXPLAIN INSERT INTO {table} DEFAULT VALUES",
    "EXPLAIN UPDATE {table} SET rowid = rowid",
)


def tables_touched(database: sqlite3.Connection) -> dict[str, set[str]]:
    """For every view and trigger of a file, the tables and views that it touches."""
    touched: dict[str, set[str]] = {}

    def note(action: int, one: str | None, _two: str | None, _db: str | None, by: str | None) -> int:
        if action in _TOUCHING and by is not None and one is not None and one != by:
            touched.setdefault(by, set()).add(one)
        return sqlite3.SQLITE_OK

    with closing(copy_of_schema(database)) as copy:
        stored = copy.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
        copy.set_authorizer(note)
        for kind, name, table in stored:
            for statement in _statements(kind, name, table):
                with suppress(sqlite3.Error):  # what cannot be compiled is for the replay to tell
                    copy.execute(statement).fetchall()
        copy.set_authorizer(None)
    return touched


def _statements(kind: str, name: str, table: str) -> tuple[str, ...]:
    if kind == "view":
        return (f"EXPLAIN SELECT * FROM {_quoted(name)}",)  # noqa: S608 - a name of the file's own
    if kind == "trigger":
        return tuple(spring.format(table=_quoted(table)) for spring in _SPRINGS)
    return ()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
