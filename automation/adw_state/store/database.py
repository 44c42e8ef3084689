"""The database: units of work that are transactions, on whatever file lies at its path at present.

`write(unit)` runs `unit(transaction)` and commits, or rolls back whatever it raised; `read(unit)` does the
same where nothing can be written. `write_row` is for what comes down to one statement: on any engine it
is one round trip. A unit that meets a lock is tried again as a whole. With a `home_of` the file is looked
at, and brought in step with what others did to it, when it is opened and whenever it is another one than
before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from adw_state.clock import Clock, default_clock
from adw_state.engine.sqlite.connection import BUSY_TIMEOUT_SECONDS
from adw_state.engine.sqlite.file import SqliteFile
from adw_state.engine.transaction import NO_PARAMS, Params, Row, Transaction
from adw_state.errors import DatabaseReplacedError, StoreBusyError, TrackerChangedError
from adw_state.store.home import Home, OwnFile

Result = TypeVar("Result")
Unit = Callable[[Transaction], Result]

DELAYS_SECONDS = (1.0, 3.0, 5.0)
"""How long is waited before each further try."""

# What is no answer yet: a lock may be free by now, and another file may be there.
_NOT_YET = (StoreBusyError, DatabaseReplacedError, TrackerChangedError)


class Database:
    """An existing database. It may be shared between threads, and survives a fork.

    `home_of` looks at the database when it is opened and says whose file it lies in; without one it is a
    sidecar, and one that is replaced under it is an error.
    """

    home: Home

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        home_of: Callable[[Database], Home] | None = None,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        retry_delays_seconds: Sequence[float] = DELAYS_SECONDS,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.clock = clock or default_clock()
        self.retries = 0
        self._home_of = home_of
        self._delays = retry_delays_seconds
        self._file = SqliteFile(self.path, self.clock, busy_timeout_seconds)
        self._forget()

    def write_row(self, text: str, params: Params) -> Row | None:
        """The row that one statement has written, on the disk; None where its conditions let it write none.

        The statement is given the time of the transaction as `now`.
        """
        # As `_use` does, without a call in between: so nearly every write happens, and every load.
        try:
            if not self._is_known:
                self._get_to_know()
            return self._file.write_row(text, params)
        except _NOT_YET as error:
            return self._again(partial(self._file.write_row, text, params), error)

    def write(self, unit: Unit[Result]) -> Result:
        """The unit's result, on the disk; nothing of it stays if it raises."""
        return self._use(partial(self._file.write, unit))

    def read(self, unit: Unit[Result]) -> Result:
        """The unit's result, from one unchanging picture of the database."""
        return self._use(partial(self._file.read, unit))

    def select(self, text: str, params: Params = NO_PARAMS) -> list[Row]:
        """Every row of a single SELECT, which needs no transaction around it to be consistent."""
        try:
            if not self._is_known:
                self._get_to_know()
            return self._file.select(text, params)
        except _NOT_YET as error:
            return self._again(partial(self._file.select, text, params), error)

    def settle(self) -> None:
        """Have what was written in the file itself, as far as that is possible now."""
        self._use(self._file.settle)

    def open(self) -> None:
        """Look at the database now, and not at its first use."""
        self._use(lambda: None)

    def close(self) -> None:
        """Close every connection. The next use opens, and looks at, whatever is there then."""
        self._file.close()
        self._forget()

    def _forget(self) -> None:
        self.home = OwnFile()
        self._file.guard = None
        self._is_known = self._home_of is None

    def _get_to_know(self) -> None:
        if self._home_of is None:
            return
        self._is_known = True  # whoever looks at it uses it
        try:
            self.home = self._file.guard = self._home_of(self)
        except BaseException:
            self.close()
            raise

    def _use(self, work: Callable[[], Result]) -> Result:
        try:
            if not self._is_known:
                self._get_to_know()
            return work()
        except _NOT_YET as error:
            return self._again(work, error)

    def _again(self, work: Callable[[], Result], error: Exception) -> Result:
        """The result of work that met this error, on the file that is there by now, or when it is free."""
        if not isinstance(error, StoreBusyError):
            if self._home_of is None:
                raise error
            self.close()
            if isinstance(error, TrackerChangedError):
                raise error
            self._get_to_know()
            try:
                return work()
            except StoreBusyError as busy:
                error = busy
        return try_again(
            work, error, delays_seconds=self._delays, clock=self.clock, on_retry=self._count_retry
        )

    def _count_retry(self) -> None:
        self.retries += 1


def try_again(
    unit: Callable[[], Result],
    error: StoreBusyError,
    *,
    delays_seconds: Sequence[float],
    clock: Clock,
    on_retry: Callable[[], None],
) -> Result:
    """The result of a unit that has met a lock once, after at most one more try per delay.

    Raises the last `StoreBusyError` when every try met a lock, `error` when there are no delays.
    """
    if not delays_seconds:
        raise error
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

    def unit_counted() -> Result:
        on_retry()
        return unit()

    clock.sleep(delays_seconds[0])
    retrying = Retrying(
        retry=retry_if_exception_type(StoreBusyError),
        stop=stop_after_attempt(len(delays_seconds)),
        wait=wait_chain(*(wait_fixed(delay) for delay in [*delays_seconds[1:], 0])),
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(unit_counted)
