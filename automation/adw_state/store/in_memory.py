"""A database in memory, for as long as something is asked of it that was read from files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from adw_state.store.sqlite.driver import open_in_memory
from adw_state.store.transaction import Transaction


@contextmanager
def in_memory(now: str) -> Iterator[Transaction]:
    """One transaction on an empty database that is gone afterwards."""
    with closing(open_in_memory()) as connection:
        connection.execute("BEGIN")
        yield Transaction(connection, now)
