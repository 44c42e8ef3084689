"""Listening to an agent while it works: its output is read as it grows, and its silence is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from adw_state.agents.reading import Lines, Reading
from adw_state.errors import AgentStalledError

_CHUNK_BYTES = 256 * 1024
# How often is told what was heard, unless it is the session.
_TOLD_SECONDS = 1.0


class Listener:
    """Reads an output file that is being written.

    `heard` is called with the reading when its session becomes known, and at most once a second when there
    are new events. An agent whose format has events is stalled when `idle_seconds` pass without one; from
    one that is not known to have any, silence is no sign.
    """

    def __init__(
        self, who: str, output: Path, reading: Reading, idle_seconds: float, heard: Callable[[Reading], None]
    ) -> None:
        self.reading = reading
        self._who = who
        self._output = output
        self._lines = Lines(reading)
        self._idle_seconds = idle_seconds
        self._heard = heard
        self._place = 0
        self._told: tuple[str | None, int] = (None, 0)
        # Real time, because the agent lives in it.
        self._told_at = self._last_event_at = time.monotonic()

    def listen(self) -> None:
        """Read what is new. Raises `AgentStalledError` after too long a silence."""
        before = self.reading.events
        self._read()
        now = time.monotonic()
        if self.reading.events != before:
            self._last_event_at = now
        elif self.reading.says_when_done and now - self._last_event_at > self._idle_seconds:
            raise AgentStalledError(
                f"{self._who} said nothing for {self._idle_seconds:g} s and was stopped",
                hint="raise idle_timeout_seconds in adw.toml if it needs longer, then resume",
            )
        self._tell(now)

    def end(self) -> None:
        """Read the rest: nothing writes any more."""
        self._read()
        self._lines.end()
        self._tell(time.monotonic() + _TOLD_SECONDS)

    def _read(self) -> None:
        with self._output.open("rb") as file:
            file.seek(self._place)
            while data := file.read(_CHUNK_BYTES):
                self._place += len(data)
                self._lines.feed(data)

    def _tell(self, now: float) -> None:
        session, events = self.reading.session_id, self.reading.events
        is_due = events != self._told[1] and now - self._told_at >= _TOLD_SECONDS
        if session != self._told[0] or is_due:
            self._told, self._told_at = (session, events), now
            self._heard(self.reading)
