"""One SQLite file: connections that are kept, and transactions on them, for many threads and processes.

Order of locks in a write: the threads' lock of this object, the processes' gate, SQLite's own. One clock
reading serves a whole transaction. No connection crosses a fork: SQLite's book-keeping of locks is wrong in a
child that inherits one, and what the child commits could be lost. So they are closed before every fork.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from adw_state.clock import Clock, format_time
from adw_state.engine.sqlite.connection import open_reader, open_writer
from adw_state.engine.sqlite.driver import Connection, EngineError
from adw_state.engine.sqlite.faults import translate, translating, wants_rollback
from adw_state.engine.sqlite.readers import Readers
from adw_state.engine.sqlite.surroundings import Surroundings
from adw_state.engine.transaction import Params, Row, Transaction
from adw_state.errors import StoreFaultError
from adw_state.gate import Gate

Result = TypeVar("Result")

_FORK_PATIENCE_SECONDS = 10.0
_inherited: list[object] = []  # connections of a parent that this process must never close


class Guard(Protocol):
    """Somebody who may forbid the use of a file; what these methods raise, the use raises."""

    def before_open(self) -> None:
        """Look at the folder: before SQLite touches the file, and whenever the folder has changed."""

    def before_write(self, tx: Transaction) -> None:
        """Look into the file, in every write."""


class SqliteFile:
    """An existing database file. Opening creates nothing and takes no lock until it is used.

    Every method raises `DatabaseError` and its kinds, or `StoreBusyError`.
    """

    _writing: threading.RLock
    _gate: Gate
    _writer: Connection | None
    _readers: Readers
    _surroundings: Surroundings

    def __init__(self, path: Path, clock: Clock, busy_timeout_seconds: float) -> None:
        self._path = path
        self._clock = clock
        self._busy_timeout = busy_timeout_seconds
        self.guard: Guard | None = None
        self._start_afresh()
        _files.add(self)

    def write_row(self, text: str, params: Params) -> Row | None:
        """The row that a statement, given the time as `now`, has written; None where it wrote none."""
        # A statement is a transaction by itself: among many processes that is a quarter faster.
        with self._writing, self._gate:
            try:
                connection = self._writer or self._open_writer()
                if connection.in_transaction:
                    raise StoreFaultError("a statement that is to stand alone came within a transaction")
                self._surroundings.look()
                tx = Transaction(connection, format_time(self._clock.now()))
                if self.guard is not None:
                    self.guard.before_write(tx)
                row = tx.one(text, {**params, "now": tx.now})
                # It may have waited for a lock: what went into a file that was replaced is to be done again.
                self._surroundings.look()
            except EngineError as error:
                raise translate(error, self._path) from error
        return row

    def write(self, unit: Callable[[Transaction], Result]) -> Result:
        """The result of the unit, on the disk; nothing of it stays if it raises."""
        with self._writing, self._gate, self._write as tx:
            return unit(tx)

    def read(self, unit: Callable[[Transaction], Result]) -> Result:
        """The unit's result, from one unchanging picture of the database."""

        def in_transaction(connection: Connection) -> Result:
            tx = self._begin(connection, "BEGIN")
            try:
                return unit(tx)
            finally:
                tx.roll_back()  # there is nothing to keep

        return self._on_a_reader(in_transaction)

    def select(self, text: str, params: Params) -> list[Row]:
        """Every row of a single SELECT, which needs no transaction around it to be consistent."""
        try:
            connection = self._readers.take()
            try:
                self._surroundings.look()
                return connection.execute(text, params).fetchall()
            finally:
                self._readers.give_back(connection)
        except EngineError as error:
            if not wants_rollback(error):
                raise translate(error, self._path) from error
        return self.read(lambda tx: tx.all(text, params))

    def settle(self) -> None:
        """Bring what is only in the write-ahead log into the file itself, as far as no reader needs it there.

        bd deletes the log of a database that it migrates, and with it whatever a killed process left there.
        """
        with self._writing, self._gate, translating(self._path):
            connection = self._writer or self._open_writer()
            self._surroundings.look()  # a log that was removed must never get into the file
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close every connection; a reader in use by another thread is closed when that is done with it."""
        with self._writing:
            if self._surroundings.log_is_gone():
                self._close_writer()  # before the readers: see there
            self._readers.close()
            self._close_writer()
            self._surroundings.forget()
            self._gate.close()

    def _begin(self, connection: Connection, begin: str) -> Transaction:
        connection.execute(begin)
        try:
            self._surroundings.look()  # after the lock was waited for, or what was seen may be long ago
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return Transaction(connection, format_time(self._clock.now()))

    def begin_to_write(self) -> Transaction:
        """A transaction that holds the lock for writing, unless the guard forbids it."""
        tx = self._begin(self._writer or self._open_writer(), "BEGIN IMMEDIATE")
        if self.guard is not None:
            try:
                self.guard.before_write(tx)
            except BaseException:
                tx.roll_back()
                raise
        return tx

    def _on_a_reader(self, work: Callable[[Connection], Result]) -> Result:
        try:
            return self._on_a_reader_once(work)
        except EngineError as error:
            if not wants_rollback(error):
                raise translate(error, self._path) from error
        self._readers.close()  # a new one is opened after the dead writer's journal was played back
        with translating(self._path):
            return self._on_a_reader_once(work)

    def _on_a_reader_once(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._readers.take()
        try:
            return work(connection)
        finally:
            self._readers.give_back(connection)

    def _start_afresh(self) -> None:
        self._writing = threading.RLock()
        self._write = _Write(self, self._path)
        self._gate = Gate(self._path.parent, self._busy_timeout)
        self._writer = None
        self._readers = Readers(self._open_reader)
        self._surroundings = Surroundings(self._path, self._look_around)

    def _look_around(self) -> None:
        if self.guard is not None:
            self.guard.before_open()

    def _close_writer(self) -> None:
        # The last connection to be closed writes the log back into the file. If that log was removed and
        # others went on with a new one, this would overwrite what they wrote, the tracker's issues
        # included. While a reader of ours is open, the writer is not the last; and a reader cannot write.
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open_writer(self) -> Connection:
        self._readers.keep_one()
        self._writer = self._open(open_writer)
        return self._writer

    def _open_reader(self) -> Connection:
        return self._open(open_reader)

    def _open(self, open_connection: Callable[..., Connection]) -> Connection:
        self._surroundings.look_before_opening()
        connection = open_connection(self._path, busy_timeout_seconds=self._busy_timeout)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # opens the log
            self._surroundings.look()
        except BaseException:
            connection.close()
            raise
        return connection

    def hold_still(self) -> None:
        """Before a fork: wait for what other threads are at, and close every connection."""
        self._held = self._writing.acquire(timeout=_FORK_PATIENCE_SECONDS)
        between_units = self._held and self._writer is not None and not self._writer.in_transaction
        if between_units and self._surroundings.log_is_gone():
            self._close_writer()
        self._readers.hold_still(_FORK_PATIENCE_SECONDS)
        if between_units:
            self._close_writer()
        self._surroundings.forget_log()

    def go_on(self) -> None:
        """After a fork, in the parent."""
        self._readers.go_on()
        if self._held:
            self._writing.release()

    def begin_anew(self) -> None:
        """After a fork, in the child."""
        # A connection that could not be closed before the fork is in the middle of a transaction of the
        # parent; closing it here would write into memory that both share. So it is kept and never used.
        _inherited.append((self._writer, self._readers.lent()))
        self._gate.close()  # or this process would go on holding a gate that the parent died in
        self._start_afresh()


class _Write:
    """One transaction after the other that writes to a file: each is a `with` statement."""

    __slots__ = ("_file", "_path", "_tx")

    def __init__(self, file: SqliteFile, path: Path) -> None:
        self._file = file
        self._path = path

    def __enter__(self) -> Transaction:
        try:
            self._tx = self._file.begin_to_write()
        except EngineError as error:
            raise translate(error, self._path) from error
        return self._tx

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._tx.commit()
            else:
                self._tx.roll_back()
        except EngineError as failed:
            raise translate(failed, self._path) from failed
        if isinstance(error, EngineError):
            raise translate(error, self._path) from error


_files: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_held: list[SqliteFile] = []  # while this process forks


def _before_a_fork() -> None:
    _held.extend(_files)
    for file in _held:
        file.hold_still()


def _after_it_in_the_parent() -> None:
    while _held:
        _held.pop().go_on()


def _after_it_in_the_child() -> None:
    while _held:
        _held.pop().begin_anew()


os.register_at_fork(
    before=_before_a_fork, after_in_parent=_after_it_in_the_parent, after_in_child=_after_it_in_the_child
)
