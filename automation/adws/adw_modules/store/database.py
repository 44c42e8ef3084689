"""The database: kept connections, and units of work that are transactions.

`write(unit)` runs `unit(transaction)` under BEGIN IMMEDIATE and commits, or rolls back whatever it
raised; `read(unit)` does the same on a connection that cannot write. Order of locks in a write: the
threads' lock of this object, the processes' gate, SQLite's own. One clock reading serves a whole
transaction. A `Database` may be shared between threads; after a fork the child starts with fresh
connections and leaves the parent's alone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from adws.adw_modules.clock import Clock, default_clock, format_time
from adws.adw_modules.errors import DatabaseReplacedError
from adws.adw_modules.store.connection import BUSY_TIMEOUT_SECONDS, open_reader, open_writer
from adws.adw_modules.store.faults import translate
from adws.adw_modules.store.gate import Gate
from adws.adw_modules.store.retry import DELAYS_SECONDS, run_with_retry

Result = TypeVar("Result")
Params = Mapping[str, object]
Row = sqlite3.Row

_MOST_IDLE_READERS = 4
_NO_PARAMS: Params = {}


class Transaction:
    """What a unit of work gets: statements, and the one moment at which all of it happens."""

    __slots__ = ("_connection", "now")

    def __init__(self, connection: sqlite3.Connection, now: str) -> None:
        self._connection = connection
        self.now = now

    def all(self, text: str, params: Params = _NO_PARAMS) -> list[Row]:
        """Every row of the statement's answer."""
        return self._connection.execute(text, params).fetchall()

    def one(self, text: str, params: Params = _NO_PARAMS) -> Row | None:
        """The first row of the statement's answer, fetched to its end; None if it has none."""
        rows = self._connection.execute(text, params).fetchall()
        return rows[0] if rows else None

    def execute(self, text: str, params: Params = _NO_PARAMS) -> int:
        """Run a statement; the number of rows it changed."""
        return self._connection.execute(text, params).rowcount


class Database:
    """An existing SQLite database. Opening creates nothing and takes no lock until it is used."""

    _writing: threading.Lock
    _gate: Gate
    _writer: sqlite3.Connection | None
    _readers: list[sqlite3.Connection]
    _identity: tuple[int, int] | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        retry_delays_seconds: Sequence[float] = DELAYS_SECONDS,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.clock = clock or default_clock()
        self.retries = 0
        self._busy_timeout = busy_timeout_seconds
        self._delays = retry_delays_seconds
        self._start_afresh()
        _alive.add(self)

    def write(self, unit: Callable[[Transaction], Result]) -> Result:
        """The unit's result, committed and on the disk; nothing of it stays if it raises."""
        return self._retried(lambda: self._write_once(unit))

    def read(self, unit: Callable[[Transaction], Result]) -> Result:
        """The unit's result, from one unchanging picture of the database."""
        return self._retried(lambda: self._read_once(unit))

    def select(self, text: str, params: Params = _NO_PARAMS) -> list[Row]:
        """Every row of a single SELECT, which needs no transaction around it to be consistent."""
        return self._retried(lambda: self._select_once(text, params))

    def close(self) -> None:
        """Close every connection; a later use opens new ones, on whatever file is there then."""
        with self._writing:
            for connection in [*self._readers, *([self._writer] if self._writer else [])]:
                connection.close()
            self._readers.clear()
            self._writer = None
            self._identity = None
            self._gate.close()

    def _start_afresh(self) -> None:
        self._writing = threading.Lock()
        self._gate = Gate(self.path.parent, self._busy_timeout)
        self._writer = None
        self._readers = []
        self._identity = None

    def _forget_parent(self) -> None:
        # Closing an inherited connection would drop the parent's locks, so it is kept and never used.
        _inherited.append((self._writer, self._readers))
        self._gate.close()  # or this process would go on holding a gate that the parent died in
        self._start_afresh()

    def _retried(self, unit: Callable[[], Result]) -> Result:
        return run_with_retry(unit, delays_seconds=self._delays, clock=self.clock, on_retry=self._count_retry)

    def _count_retry(self) -> None:
        self.retries += 1

    def _write_once(self, unit: Callable[[Transaction], Result]) -> Result:
        with self._writing, self._gate:
            self._require_same_file()
            try:
                if self._writer is None:
                    self._writer = open_writer(self.path, busy_timeout_seconds=self._busy_timeout)
                return self._transact(self._writer, "BEGIN IMMEDIATE", unit)
            except sqlite3.Error as error:
                raise translate(error, self.path) from error

    def _read_once(self, unit: Callable[[Transaction], Result]) -> Result:
        try:
            connection = self._take_reader()
            try:
                return self._transact(connection, "BEGIN", unit)
            finally:
                self._give_back(connection)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def _select_once(self, text: str, params: Params) -> list[Row]:
        try:
            connection = self._take_reader()
            try:
                return connection.execute(text, params).fetchall()
            finally:
                self._give_back(connection)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def _transact(
        self, connection: sqlite3.Connection, begin: str, unit: Callable[[Transaction], Result]
    ) -> Result:
        connection.execute(begin)
        try:
            self._require_same_file()
            result = unit(Transaction(connection, format_time(self.clock.now())))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _take_reader(self) -> sqlite3.Connection:
        self._require_same_file()
        try:
            return self._readers.pop()
        except IndexError:
            return open_reader(self.path, busy_timeout_seconds=self._busy_timeout)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if len(self._readers) < _MOST_IDLE_READERS:
            self._readers.append(connection)
        else:
            connection.close()

    def _require_same_file(self) -> None:
        # Commits through a connection to a file that was moved away are seen by nobody.
        identity = self._file_identity()
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity:
            raise DatabaseReplacedError(
                f"{self.path} was replaced by another file while this process had it open",
                hint="run the command again; `adw doctor` tells what happened to the rows",
            )

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - twice as fast as Path.stat, and in every transaction
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


_alive: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[object] = []


def _after_fork_in_child() -> None:
    for database in list(_alive):
        database._forget_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
