"""A database in memory, for as long as something is asked of it that was read from files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from adw_state.store.transaction import Transaction


@contextmanager
def in_memory(now: str) -> Iterator[Transaction]:
    """One transaction on an empty database that is gone afterwards."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield Transaction(connection, now)
