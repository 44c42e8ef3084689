"""The connections for reading: lent to one unit of work at a time, and kept while nobody needs them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

from adw_state.engine.sqlite.connection import FrozenReader

_MOST_IDLE = 4
_PAUSE_SECONDS = 0.001


class Readers:
    """A small store of reading connections, for many threads."""

    def __init__(self, open_reader: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_reader
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._lent: dict[sqlite3.Connection, int] = {}  # to which thread
        self._unwanted: set[sqlite3.Connection] = set()  # of those

    def take(self) -> sqlite3.Connection:
        """A connection that nobody else uses until it is given back."""
        with self._guard:
            connection = self._idle.pop() if self._idle else self._open()
            self._lent[connection] = threading.get_ident()
            return connection

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Keep the connection for the next reader, unless there are enough or it is out of date."""
        with self._guard:
            del self._lent[connection]
            is_current = connection not in self._unwanted and not isinstance(connection, FrozenReader)
            if is_current and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
            else:
                self._unwanted.discard(connection)
                connection.close()

    def keep_one(self) -> None:
        """Have at least one connection open from now on, until `close`."""
        with self._guard:
            if not (self._idle or self._lent):
                self._idle.append(self._open())

    def close(self) -> None:
        """Close the idle connections now, and the lent ones when they are given back."""
        with self._guard:
            self._unwanted.update(self._lent)
            self._close_idle()

    def hold_still(self, patience_seconds: float) -> None:
        """Close what is idle once other threads have given theirs back, and lend nothing until `go_on`."""
        deadline = time.monotonic() + patience_seconds
        self._guard.acquire()
        while self._lent_to_others() and time.monotonic() < deadline:
            self._guard.release()
            time.sleep(_PAUSE_SECONDS)
            self._guard.acquire()
        self._close_idle()

    def go_on(self) -> None:
        """End what `hold_still` began."""
        self._guard.release()

    def lent(self) -> list[sqlite3.Connection]:
        """The connections that are in use."""
        return list(self._lent)

    def _lent_to_others(self) -> bool:
        this_thread = threading.get_ident()
        return any(thread != this_thread for thread in self._lent.values())

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
