"""The gate: processes that write to one folder's files take turns in the order in which they came.

The database's writers use it, and whoever makes worktrees, numbers them, or claims an issue in JSON alone.
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
from pathlib import Path
from types import TracebackType

from adw_state.errors import StoreBusyError


class Gate:
    """A lock between processes on the folder that holds a database; use it in a `with` statement."""

    def __init__(self, folder: Path, timeout_seconds: float) -> None:
        self._folder = folder
        self._timeout = timeout_seconds
        self._descriptor: int | None = None
        self._waiter: _Waiter | None = None
        self._refused = False

    def __enter__(self) -> None:
        if self._refused:
            return
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            if not _locked_at_once(self._descriptor):
                self._queue(self._descriptor)
        except OSError:
            self._refused = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None and not self._refused:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def __del__(self) -> None:
        self.close()  # for whoever drops a database without closing it

    def close(self) -> None:
        """Give the descriptor back."""
        if self._waiter is not None:
            self._waiter.end()
            self._waiter = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _queue(self, descriptor: int) -> None:
        # A blocking flock keeps its place in the kernel's queue but knows no time limit, and a stopped
        # process must not stop everybody else for ever. So a thread waits, and we wait for the thread.
        if self._waiter is None:
            self._waiter = _Waiter(descriptor)
        granted = False
        try:
            granted = self._waiter.wait(self._timeout)
        finally:
            if not granted:
                self._waiter = self._descriptor = None  # the thread ends and closes when its turn comes
        if not granted:
            raise StoreBusyError(
                f"other writers kept {self._folder} busy for {self._timeout:g} s",
                hint="look for a stopped or very slow process that uses this database",
            )


def _locked_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Waiter(threading.Thread):
    """Waits for the lock as often as asked; gives it straight back when nobody waits for it any more.

    It stays between the waits, because to start a thread takes as long as a write. Plain locks are its
    signals, because to wait for one is a single system call.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="adw-gate", daemon=True)
        self._file = descriptor
        self._asked = threading.Lock()
        self._granted = threading.Lock()
        self._settled = threading.Lock()
        self._abandoned = self._over = False
        self._asked.acquire()
        self._granted.acquire()
        self.start()

    def run(self) -> None:
        while self._asked.acquire() and not self._over:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            with self._settled:
                if self._abandoned:
                    self._give_back()
                    return
                self._granted.release()

    def wait(self, seconds: float) -> bool:
        """Whether the lock was granted in time; if not, this thread ends by itself."""
        self._asked.release()
        try:
            return self._granted.acquire(timeout=seconds) or not self._abandon()
        except BaseException:
            if not self._abandon():
                self._give_back()
                self.end()
            raise

    def end(self) -> None:
        """End the thread, which waits for no lock now."""
        self._over = True
        if self._asked.locked():
            self._asked.release()

    def _abandon(self) -> bool:
        """Want the lock no more; False if it was granted a moment ago."""
        with self._settled:
            self._abandoned = not self._granted.acquire(blocking=False)
            return self._abandoned

    def _give_back(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)  # a child of this process may have the file open too
        os.close(self._file)
