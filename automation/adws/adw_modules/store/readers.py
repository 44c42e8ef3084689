"""The connections for reading: lent to one unit of work at a time, and kept while nobody needs them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from adws.adw_modules.store.connection import FrozenReader

Result = TypeVar("Result")

_MOST_IDLE = 4


class Readers:
    """A small store of reading connections, for many threads."""

    def __init__(self, open_reader: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_reader
        self._guard = threading.Condition()
        self._idle: list[sqlite3.Connection] = []
        self._lent: dict[sqlite3.Connection, tuple[int, int]] = {}  # to which thread, in which era
        self._era = 0

    def lend_to(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What the work makes of a connection that nobody else uses meanwhile."""
        connection = self._take()
        try:
            return work(connection)
        finally:
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            connection = self._idle.pop() if self._idle else self._open()
            self._lent[connection] = threading.get_ident(), self._era
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            _, era = self._lent.pop(connection)
            outdated = era != self._era or isinstance(connection, FrozenReader)
            if outdated or len(self._idle) >= _MOST_IDLE:
                connection.close()
            else:
                self._idle.append(connection)
            self._guard.notify_all()

    def close(self) -> None:
        """Close the idle connections now, and the lent ones when they are given back."""
        with self._guard:
            self._era += 1
            self._close_idle()

    def hold_still(self, patience_seconds: float) -> None:
        """Close what is idle once other threads have given theirs back, and lend nothing until `go_on`."""
        self._guard.acquire()
        this_thread = threading.get_ident()
        self._guard.wait_for(
            lambda: all(thread == this_thread for thread, _ in self._lent.values()), patience_seconds
        )
        self._close_idle()

    def go_on(self) -> None:
        """End what `hold_still` began."""
        self._guard.release()

    def lent(self) -> list[sqlite3.Connection]:
        """The connections that are in use."""
        return list(self._lent)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
