"""Asking a run to stop: by Ctrl-C, by SIGTERM, by a closed terminal, or because another process took over.

A run is never stopped in the middle of a step's bookkeeping. Whoever wants it to stop leaves the reason
in a `StopRequest`; the run looks there while it waits for an agent and before every step, and raises it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from adw_state.errors import AdwError, RunInterruptedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """A place for the reason why a run must stop; the first reason stays."""

    def __init__(self) -> None:
        self._reasons: list[AdwError] = []

    def ask(self, reason: AdwError) -> None:
        """Ask the run to stop by raising `reason`; safe in signal handlers and from any thread."""
        self._reasons.append(reason)

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return bool(self._reasons)

    def check(self) -> None:
        """Raise the reason, if there is one."""
        if self._reasons:
            raise self._reasons[0]


@contextmanager
def stopping_on_signals(stop: StopRequest) -> Iterator[StopRequest]:
    """Turn signals that would end the process into a request to stop, while the block runs; yield it.

    Outside the main thread, where Python allows no handlers, nothing changes. A signal that is ignored
    (as SIGHUP under nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        reason = RunInterruptedError(f"the run was stopped by {signal.Signals(number).name}")
        reason.exit_code = 128 + number
        stop.ask(reason)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, ask)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
