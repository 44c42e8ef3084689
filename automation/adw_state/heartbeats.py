"""Signs of life: one thread that says every few seconds which runs of this process are not dead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from adw_state.errors import AdwError, OwnershipLostError

Beat: TypeAlias = Callable[[], None]
"""Gives one sign of life; raises `OwnershipLostError` where another process took the run over."""
Lost: TypeAlias = Callable[[OwnershipLostError], None]


class Heartbeats:
    """The heartbeats of any number of runs; the thread begins with the first of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._guard = threading.Lock()
        self._runs: dict[str, tuple[Beat, Lost]] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, execution_id: str, beat: Beat, lost: Lost) -> None:
        """Call `beat` for a run from now on, or once `lost` when it was taken over."""
        with self._guard:
            self._runs[execution_id] = (beat, lost)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="adw-heartbeats", daemon=True)
                self._thread.start()

    def end(self, execution_id: str) -> None:
        """Give no more signs of life for a run."""
        with self._guard:
            self._runs.pop(execution_id, None)

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        # Real time, not the clock that was passed in: other processes wait for the signs in real time.
        while not self._over.wait(self._seconds):
            with self._guard:
                runs = dict(self._runs)
            for execution_id, (beat, lost) in runs.items():
                try:
                    beat()
                except OwnershipLostError as error:
                    self.end(execution_id)
                    lost(error)
                except AdwError:
                    continue  # the next write of the run meets the same fault, and says so
