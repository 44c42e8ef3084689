"""The database: kept connections, and units of work that are transactions.

`write(unit)` runs `unit(transaction)` under BEGIN IMMEDIATE and commits, or rolls back whatever it
raised; `read(unit)` does the same on a connection that cannot write. Order of locks in a write: the
threads' lock of this object, the processes' gate, SQLite's own. One clock reading serves a whole
transaction. A `Database` may be shared between threads. No connection crosses a fork: SQLite's
book-keeping of locks is wrong in a child that inherits one, and what the child commits could be lost.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from adws.adw_modules.clock import Clock, default_clock, format_time
from adws.adw_modules.errors import DatabaseReplacedError, StoreBusyError
from adws.adw_modules.store.connection import BUSY_TIMEOUT_SECONDS, open_reader, open_writer
from adws.adw_modules.store.faults import translate
from adws.adw_modules.store.gate import Gate
from adws.adw_modules.store.readers import Readers
from adws.adw_modules.store.retry import DELAYS_SECONDS, try_again

Result = TypeVar("Result")
Params = Mapping[str, object]
Row = sqlite3.Row

_FORK_PATIENCE_SECONDS = 10.0
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

    def tuples(self, text: str, params: Params = _NO_PARAMS) -> list[tuple[Any, ...]]:
        """Every row as a plain tuple: where tens of thousands are fetched, names cost a fifth of the time."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(text, params).fetchall()

    def one(self, text: str, params: Params = _NO_PARAMS) -> Row | None:
        """The first row of the statement's answer, fetched to its end; None if it has none."""
        rows = self._connection.execute(text, params).fetchall()
        return rows[0] if rows else None

    def execute(self, text: str, params: Params = _NO_PARAMS) -> int:
        """Run a statement; the number of rows it changed."""
        return self._connection.execute(text, params).rowcount


class Database:
    """An existing SQLite database. Opening creates nothing and takes no lock until it is used."""

    _writing: threading.RLock
    _gate: Gate
    _writer: sqlite3.Connection | None
    _readers: Readers
    _identity: tuple[int, int] | None
    _log_identity: tuple[int, int] | None

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
        self._name = str(self.path)
        self._log_name = f"{self.path}-wal"
        self._busy_timeout = busy_timeout_seconds
        self._delays = retry_delays_seconds
        self._start_afresh()
        _alive.add(self)

    def write(self, unit: Callable[[Transaction], Result]) -> Result:
        """The unit's result, committed and on the disk; nothing of it stays if it raises."""
        try:
            return self._write_once(unit)
        except StoreBusyError as error:
            return self._try_again(lambda: self._write_once(unit), error)

    def read(self, unit: Callable[[Transaction], Result]) -> Result:
        """The unit's result, from one unchanging picture of the database."""
        try:
            return self._read_once(unit)
        except StoreBusyError as error:
            return self._try_again(lambda: self._read_once(unit), error)

    def select(self, text: str, params: Params = _NO_PARAMS) -> list[Row]:
        """Every row of a single SELECT, which needs no transaction around it to be consistent."""
        try:
            return self._select_once(text, params)
        except StoreBusyError as error:
            return self._try_again(lambda: self._select_once(text, params), error)

    def close(self) -> None:
        """Close every connection; a later use opens new ones, on whatever file is there then."""
        with self._writing:
            if self._log_is_gone():
                self._close_writer()  # before the readers: see there
            self._readers.close()
            self._close_writer()
            self._identity = self._log_identity = None
            self._gate.close()

    def _start_afresh(self) -> None:
        self._writing = threading.RLock()
        self._gate = Gate(self.path.parent, self._busy_timeout)
        self._writer = None
        self._readers = Readers(self._open_reader)
        self._identity = self._log_identity = None

    def _close_writer(self) -> None:
        # The last connection to be closed writes the log back into the file. If that log was removed and
        # others went on with a new one, this would overwrite what they wrote, the tracker's issues
        # included. While a reader of ours is open, the writer is not the last; and a reader cannot write.
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _try_again(self, unit: Callable[[], Result], error: StoreBusyError) -> Result:
        return try_again(
            unit, error, delays_seconds=self._delays, clock=self.clock, on_retry=self._count_retry
        )

    def _count_retry(self) -> None:
        self.retries += 1

    def _write_once(self, unit: Callable[[Transaction], Result]) -> Result:
        with self._writing, self._gate:
            try:
                connection = self._writer or self._open_writer()
                return self._transact(connection, "BEGIN IMMEDIATE", unit)
            except sqlite3.Error as error:
                raise translate(error, self.path) from error

    def _read_once(self, unit: Callable[[Transaction], Result]) -> Result:
        return self._with_reader(lambda connection: self._transact(connection, "BEGIN", unit))

    def _select_once(self, text: str, params: Params) -> list[Row]:
        def select(connection: sqlite3.Connection) -> list[Row]:
            self._require_same_file()
            self._require_same_log()
            return connection.execute(text, params).fetchall()

        return self._with_reader(select)

    def _with_reader(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            return self._lend_reader(work)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise translate(error, self.path) from error
        self._readers.close()  # a new one is opened after the dead writer's journal was played back
        try:
            return self._lend_reader(work)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def _lend_reader(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._readers.take()
        try:
            return work(connection)
        finally:
            self._readers.give_back(connection)

    def _transact(
        self, connection: sqlite3.Connection, begin: str, unit: Callable[[Transaction], Result]
    ) -> Result:
        connection.execute(begin)
        try:
            self._require_same_file()
            self._require_same_log()
            result = unit(Transaction(connection, format_time(self.clock.now())))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _open_writer(self) -> sqlite3.Connection:
        self._require_same_file()
        self._readers.keep_one()
        self._writer = open_writer(self.path, busy_timeout_seconds=self._busy_timeout)
        return self._writer

    def _open_reader(self) -> sqlite3.Connection:
        self._require_same_file()
        return open_reader(self.path, busy_timeout_seconds=self._busy_timeout)

    def _require_same_file(self) -> None:
        # Commits through a connection to a file that was moved away are seen by nobody.
        identity = _identity_of(self._name)
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity:
            raise DatabaseReplacedError(
                f"{self.path} was replaced by another file while this process had it open",
                hint="run the command again; `adw doctor` tells what happened to the rows",
            )

    def _require_same_log(self) -> None:
        # While a connection is open, nothing but another program takes its write-ahead log away (bd
        # migrate does); what is committed into a log that was removed is seen by nobody either.
        if self._log_identity is None:
            self._log_identity = _identity_of(self._log_name)
        elif self._log_is_gone():
            raise DatabaseReplacedError(
                f"the write-ahead log of {self.path} was removed while this process had it open",
                hint="run the command again; `adw doctor` tells what happened to the rows",
            )

    def _log_is_gone(self) -> bool:
        return self._log_identity is not None and _identity_of(self._log_name) != self._log_identity

    def _hold_still(self) -> None:
        """Before a fork: wait for what other threads are at, and close every connection."""
        self._held = self._writing.acquire(timeout=_FORK_PATIENCE_SECONDS)
        between_units = self._held and self._writer is not None and not self._writer.in_transaction
        if between_units and self._log_is_gone():
            self._close_writer()
        self._readers.hold_still(_FORK_PATIENCE_SECONDS)
        if between_units:
            self._close_writer()
        self._log_identity = None  # the last connection to be closed takes the log away

    def _go_on(self) -> None:
        """After a fork, in the parent."""
        self._readers.go_on()
        if self._held:
            self._writing.release()

    def _begin_anew(self) -> None:
        """After a fork, in the child."""
        # A connection that could not be closed before the fork is in the middle of a transaction of the
        # parent; closing it here would write into memory that both share. So it is kept and never used.
        _inherited.append((self._writer, self._readers.lent()))
        self._gate.close()  # or this process would go on holding a gate that the parent died in
        self._start_afresh()


def _identity_of(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - twice as fast as Path.stat, and in every transaction
    except OSError:
        return None  # opening it tells what is wrong
    return found.st_dev, found.st_ino


_alive: weakref.WeakSet[Database] = weakref.WeakSet()
_still: list[Database] = []
_inherited: list[object] = []


def _before_fork() -> None:
    _still.extend(_alive)
    for database in _still:
        database._hold_still()


def _after_fork_in_parent() -> None:
    while _still:
        _still.pop()._go_on()


def _after_fork_in_child() -> None:
    while _still:
        _still.pop()._begin_anew()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
