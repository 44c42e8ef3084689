"""The driver's types under names of ours, and databases in memory, for those who look into files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

Connection: TypeAlias = sqlite3.Connection
Row: TypeAlias = sqlite3.Row

IntegrityError = sqlite3.IntegrityError
EngineError = sqlite3.Error
"""Whatever the driver raises. `faults.translate` tells what it means."""

_TOUCHING = (
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
)


def open_in_memory() -> Connection:
    """A new, empty database in memory, which goes when it is closed."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = Row
    return connection


def is_whole_statement(text: str) -> bool:
    """Whether the text ends where a statement does; a trigger is one statement."""
    return sqlite3.complete_statement(text)


def tell_what_is_touched(connection: Connection, note: Callable[[str, str], None]) -> None:
    """From now on call `note(view or trigger, table)` for each table that one of them reads or writes.

    SQLite tells it while it compiles a statement, so EXPLAIN is enough to ask.
    """

    def authorize(
        action: int, table: str | None, _column: str | None, _db: str | None, by: str | None
    ) -> int:
        if action in _TOUCHING and by is not None and table is not None:
            note(by, table)
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
