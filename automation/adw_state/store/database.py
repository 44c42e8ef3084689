"""The database: kept connections, and units of work that are transactions.

`write(unit)` runs `unit(transaction)` under BEGIN IMMEDIATE and commits, or rolls back whatever it
raised; `read(unit)` does the same on a connection that cannot write. Order of locks in a write: the
threads' lock of this object, the processes' gate, SQLite's own. One clock reading serves a whole
transaction.

Most writes come down to one statement, and a statement is a transaction by itself. So a write may bring
a shortcut: a function with one statement that writes, which returns its result, or None where that
changed nothing. It is tried first, and waits for no lock of SQLite's; where it gets no result, the unit
does the same in full, or finds out why it cannot be done.

A `Database` may be shared between threads, and no connection of it crosses a fork.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from adw_state.clock import Clock, default_clock, format_time
from adw_state.errors import ConstraintError, StoreBusyError
from adw_state.store.forks import tell_of_forks
from adw_state.store.retry import DELAYS_SECONDS, try_again
from adw_state.store.sqlite.connection import BUSY_TIMEOUT_SECONDS, open_reader, open_writer, wait_for_locks
from adw_state.store.sqlite.driver import Connection, EngineError
from adw_state.store.sqlite.faults import translate, translating, wants_rollback
from adw_state.store.sqlite.gate import Gate
from adw_state.store.sqlite.readers import Readers
from adw_state.store.sqlite.surroundings import NoWatch, Surroundings, Watch
from adw_state.store.transaction import NO_PARAMS, Params, Row, Transaction

Result = TypeVar("Result")
Unit = Callable[[Transaction], Result]
Shortcut = Callable[[Transaction], Result | None]

_FORK_PATIENCE_SECONDS = 10.0
_inherited: list[object] = []  # connections of a parent that this process must never close

# Why a shortcut may have come to nothing although the unit can say or do more.
_LEFT_TO_THE_UNIT = (StoreBusyError, ConstraintError)


class Database:
    """An existing SQLite database. Opening creates nothing and takes no lock until it is used.

    `watch` may forbid its use; see there.
    """

    _writing: threading.RLock
    _gate: Gate
    _writer: Connection | None
    _readers: Readers
    _surroundings: Surroundings

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        watch: Watch | None = None,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        retry_delays_seconds: Sequence[float] = DELAYS_SECONDS,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.clock = clock or default_clock()
        self.retries = 0
        self._watch = watch or NoWatch()
        self._busy_timeout = busy_timeout_seconds
        self._delays = retry_delays_seconds
        self._start_afresh()
        tell_of_forks(self)

    def write(self, unit: Unit[Result], shortcut: Shortcut[Result] | None = None) -> Result:
        """The result of the unit or of its shortcut, on the disk; nothing of the unit stays if it raises."""
        try:
            return self._write_once(unit, shortcut)
        except StoreBusyError as error:
            return self._try_again(lambda: self._write_once(unit, shortcut), error)

    def read(self, unit: Unit[Result]) -> Result:
        """The unit's result, from one unchanging picture of the database."""
        try:
            return self._read_once(unit)
        except EngineError as error:
            return self._read_after(error, lambda: self._read_once(unit))

    def select(self, text: str, params: Params = NO_PARAMS) -> list[Row]:
        """Every row of a single SELECT, which needs no transaction around it to be consistent."""
        try:
            connection = self._readers.take()
            try:
                self._surroundings.look()
                return connection.execute(text, params).fetchall()
            finally:
                self._readers.give_back(connection)
        except EngineError as error:
            return self._read_after(error, lambda: self._read_once(lambda tx: tx.all(text, params)))

    def settle(self) -> None:
        """Bring what is only in the write-ahead log into the file itself, as far as no reader needs it there.

        bd deletes the log of a database that it migrates, and with it whatever a killed process left there.
        """
        with self._writing, self._gate:
            try:
                connection = self._writer or self._open_writer()
                self._surroundings.look()  # a log that was removed must never get into the file
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except EngineError as error:
                raise translate(error, self.path) from error

    def close(self) -> None:
        """Close every connection; a later use opens new ones, on whatever file is there then."""
        with self._writing:
            if self._surroundings.log_is_gone():
                self._close_writer()  # before the readers: see there
            self._readers.close()
            self._close_writer()
            self._surroundings.forget()
            self._gate.close()

    def _start_afresh(self) -> None:
        self._writing = threading.RLock()
        self._gate = Gate(self.path.parent, self._busy_timeout)
        self._writer = None
        self._readers = Readers(self._open_reader)
        self._surroundings = Surroundings(self.path, self._watch)

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

    def _write_once(self, unit: Unit[Result], shortcut: Shortcut[Result] | None) -> Result:
        with self._writing, self._gate:
            try:
                connection = self._writer or self._open_writer()
                self._surroundings.look()
                if shortcut is not None and not connection.in_transaction:
                    result = self._take_shortcut(connection, shortcut)
                    if result is not None:
                        return result
                return self._write_patiently(connection, unit)
            except EngineError as error:
                raise translate(error, self.path) from error

    def _take_shortcut(self, connection: Connection, shortcut: Shortcut[Result]) -> Result | None:
        tx = Transaction(connection, format_time(self.clock.now()))
        try:
            with translating(self.path):
                self._watch.look_within(tx)
                return shortcut(tx)
        except _LEFT_TO_THE_UNIT:
            return None

    def _write_patiently(self, connection: Connection, unit: Unit[Result]) -> Result:
        def watched(tx: Transaction) -> Result:
            self._watch.look_within(tx)
            return unit(tx)

        wait_for_locks(connection, self._busy_timeout)
        try:
            return self._transact(connection, watched, "BEGIN IMMEDIATE")
        finally:
            wait_for_locks(connection, 0)

    def _transact(self, connection: Connection, unit: Unit[Result], begin: str = "BEGIN") -> Result:
        connection.execute(begin)
        try:
            self._surroundings.look()  # after the lock was waited for, or what was seen may be long ago
            result = unit(Transaction(connection, format_time(self.clock.now())))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _read_once(self, unit: Unit[Result]) -> Result:
        connection = self._readers.take()
        try:
            return self._transact(connection, unit)
        finally:
            self._readers.give_back(connection)

    def _read_after(self, error: EngineError, once: Callable[[], Result]) -> Result:
        """The result of a read whose first try met this error."""

        def again() -> Result:
            try:
                return once()
            except EngineError as error:
                raise translate(error, self.path) from error

        try:
            if not wants_rollback(error):
                raise translate(error, self.path) from error
            self._readers.close()  # a new one is opened after the dead writer's journal was played back
            return again()
        except StoreBusyError as busy:
            return self._try_again(again, busy)

    def _open_writer(self) -> Connection:
        self._readers.keep_one()
        self._writer = self._open(open_writer)
        wait_for_locks(self._writer, 0)
        return self._writer

    def _open_reader(self) -> Connection:
        return self._open(open_reader)

    def _open(self, open_connection: Callable[..., Connection]) -> Connection:
        self._surroundings.look_before_opening()
        connection = open_connection(self.path, busy_timeout_seconds=self._busy_timeout)
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
