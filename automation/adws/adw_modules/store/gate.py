"""The gate: writers of many processes take turns in the order in which they came.

SQLite's busy handler sleeps with growing pauses, so whoever has waited longest loses. A `flock` taken
before BEGIN IMMEDIATE queues the writers in the kernel instead. It is held on a descriptor of the
database's *folder*: that leaves no file behind, is the same for every path to the database, the
tracker never takes it, and it cannot drop SQLite's own locks, as a descriptor of the database file
would when it is closed. A lock dies with its process. Where the filesystem refuses it, writers go on
without, and SQLite's own locking still keeps every write safe.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from types import TracebackType

from adws.adw_modules.errors import StoreBusyError

_SHORT_TRIES = 10
_SHORT_PAUSE_SECONDS = 0.0002


class Gate:
    """A lock between processes on the folder that holds a database; use it in a `with` statement."""

    def __init__(self, folder: Path, timeout_seconds: float) -> None:
        self._folder = folder
        self._timeout = timeout_seconds
        self._descriptor: int | None = None
        self._refused = False

    def __enter__(self) -> None:
        if self._refused:
            return
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            if not self._try_briefly(self._descriptor):
                self._queue(self._descriptor)
        except OSError:
            self._refused = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None and not self._refused:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _try_briefly(descriptor: int) -> bool:
        for attempt in range(_SHORT_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt < _SHORT_TRIES - 1:
                    time.sleep(_SHORT_PAUSE_SECONDS)
            else:
                return True
        return False

    def _queue(self, descriptor: int) -> None:
        # A blocking flock keeps its place in the kernel's queue but knows no time limit, and a stopped
        # process must not stop everybody else for ever. So a thread waits, and we wait for the thread.
        waiter = _Waiter(descriptor)
        waiter.start()
        if not waiter.wait(self._timeout):
            self._descriptor = None  # the waiter closes it when its turn comes
            raise StoreBusyError(
                f"other writers kept {self._folder} busy for {self._timeout:g} s",
                hint="look for a stopped or very slow process that uses this database",
            )


class _Waiter(threading.Thread):
    """Waits for the lock; gives it straight back when nobody waits for it any more."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="adw-gate", daemon=True)
        self._file = descriptor
        self._settled = threading.Lock()
        self._granted = threading.Event()
        self._abandoned = False

    def run(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._settled:
            if self._abandoned:
                fcntl.flock(self._file, fcntl.LOCK_UN)  # a child of this process may have the file too
                os.close(self._file)
            else:
                self._granted.set()

    def wait(self, seconds: float) -> bool:
        """Whether the lock was granted in time."""
        if self._granted.wait(seconds):
            return True
        with self._settled:
            self._abandoned = not self._granted.is_set()
            return not self._abandoned
