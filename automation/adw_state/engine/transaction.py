"""A transaction, as the units of work that run in it see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from adw_state.engine.sqlite.driver import Connection, IntegrityError, open_in_memory
from adw_state.engine.sqlite.driver import Row as Row
from adw_state.engine.sqlite.faults import broken_rule

Params = Mapping[str, object]

NO_PARAMS: Params = {}


class Transaction:
    """What a unit of work gets: statements, and the one moment at which all of it happens.

    A row that breaks a rule of its table is a `ConstraintError`.
    """

    __slots__ = ("_connection", "now")

    def __init__(self, connection: Connection, now: str) -> None:
        self._connection = connection
        self.now = now

    def commit(self) -> None:
        """Make it happen; where that fails, nothing of it has."""
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """Take everything back, unless the engine has done so by itself."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def all(self, text: str, params: Params = NO_PARAMS) -> list[Row]:
        """Every row of the statement's answer."""
        try:
            return self._connection.execute(text, params).fetchall()
        except IntegrityError as error:
            raise broken_rule(error) from error

    def tuples(self, text: str, params: Params = NO_PARAMS) -> list[tuple[Any, ...]]:
        """Every row as a plain tuple: where tens of thousands are fetched, names cost a fifth of the time."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(text, params).fetchall()

    def one(self, text: str, params: Params = NO_PARAMS) -> Row | None:
        """The first row of the statement's answer, fetched to its end; None if it has none."""
        try:
            rows = self._connection.execute(text, params).fetchall()
        except IntegrityError as error:
            raise broken_rule(error) from error
        return rows[0] if rows else None

    def execute(self, text: str, params: Params = NO_PARAMS) -> int:
        """Run a statement; the number of rows it changed."""
        try:
            return self._connection.execute(text, params).rowcount
        except IntegrityError as error:
            raise broken_rule(error) from error


@contextmanager
def in_memory(now: str) -> Iterator[Transaction]:
    """One transaction on an empty database that is gone afterwards."""
    with closing(open_in_memory()) as connection:
        connection.execute("BEGIN")
        yield Transaction(connection, now)
