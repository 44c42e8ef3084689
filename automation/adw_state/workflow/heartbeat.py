"""Signs of life: a thread that tells the database every few seconds that the run is not dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adw_state.errors import AdwError
from adw_state.interruption import StopRequest


@contextmanager
def beating(beat: Callable[[], None], seconds: float, stop: StopRequest) -> Iterator[None]:
    """Call `beat` every `seconds` while the block runs; an error of it asks the run to stop."""
    over = threading.Event()

    def work() -> None:
        # Real time, not our clock: the rest of the world waits for the signs in it.
        while not over.wait(seconds):
            try:
                beat()
            except AdwError as error:
                stop.ask(error)
                return

    thread = threading.Thread(target=work, name="adw-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
