"""One thread that tells the database every few seconds that the runs of this process live."""

from __future__ import annotations

import threading

from adw_state.errors import AdwError, OwnershipLostError
from adw_state.state import BeadsStateManager


class Heartbeats:
    """The heartbeats of all runs that one `State` works on."""

    def __init__(self, manager: BeadsStateManager, seconds: float) -> None:
        self._manager = manager
        self._seconds = seconds
        self._guard = threading.Lock()
        self._fences: dict[str, int] = {}
        self._lost: dict[str, AdwError] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, execution_id: str, fence: int) -> None:
        """Give signs of life for a run from now on."""
        with self._guard:
            self._fences[execution_id] = fence
            self._lost.pop(execution_id, None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="adw-heartbeats", daemon=True)
                self._thread.start()

    def end(self, execution_id: str) -> None:
        """Give no more signs of life for a run."""
        with self._guard:
            self._fences.pop(execution_id, None)

    def check(self, execution_id: str) -> None:
        """Raise the `OwnershipLostError` that a heartbeat of this run met."""
        error = self._lost.get(execution_id)
        if error is not None:
            raise error

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        # Real time, not the clock that was passed in: other processes wait for the signs in real time.
        while not self._over.wait(self._seconds):
            with self._guard:
                fences = dict(self._fences)
            for execution_id, fence in fences.items():
                self._beat(execution_id, fence)

    def _beat(self, execution_id: str, fence: int) -> None:
        try:
            self._manager.beat(execution_id, fence)
        except OwnershipLostError as error:
            self._lost[execution_id] = error
            self.end(execution_id)
        except AdwError:
            return  # the next write of the run meets the same fault, and says so
