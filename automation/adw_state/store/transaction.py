"""A transaction, as the units of work that run in it see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

Params = Mapping[str, object]
Row = sqlite3.Row

NO_PARAMS: Params = {}


class Transaction:
    """What a unit of work gets: statements, and the one moment at which all of it happens."""

    __slots__ = ("_connection", "now")

    def __init__(self, connection: sqlite3.Connection, now: str) -> None:
        self._connection = connection
        self.now = now

    def all(self, text: str, params: Params = NO_PARAMS) -> list[Row]:
        """Every row of the statement's answer."""
        return self._connection.execute(text, params).fetchall()

    def tuples(self, text: str, params: Params = NO_PARAMS) -> list[tuple[Any, ...]]:
        """Every row as a plain tuple: where tens of thousands are fetched, names cost a fifth of the time."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(text, params).fetchall()

    def one(self, text: str, params: Params = NO_PARAMS) -> Row | None:
        """The first row of the statement's answer, fetched to its end; None if it has none."""
        rows = self._connection.execute(text, params).fetchall()
        return rows[0] if rows else None

    def execute(self, text: str, params: Params = NO_PARAMS) -> int:
        """Run a statement; the number of rows it changed."""
        return self._connection.execute(text, params).rowcount
