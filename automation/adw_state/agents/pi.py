"""pi: `pi -p --mode json`; it chooses its session, which its first line names.

It has no permissions; where it judges, it is given only the tools that read. It ends with exit code 0
whatever happened: only the last `stopReason` tells. What it counts per message leaves out what the cache
gave, and a message counts when it has ended, because its counts are 0 while it is written. Lines that
repeat a message at every word are passed over.
"""

from __future__ import annotations

import re

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.reading import MOST_ANSWER, EventReading, fields_of
from adw_state.agents.result import dollars, whole_total
from adw_state.store.json_values import JSON

_COUNTS = {
    "input_tokens": "input",
    "cache_read_tokens": "cacheRead",
    "cache_write_tokens": "cacheWrite",
    "output_tokens": "output",
}
_UPDATE = '{"type":"message_update"'
_ENDS = '{"type":"agent_end"'


class PiReading(EventReading):
    """pi's events; the answer is its last message."""

    def __init__(self) -> None:
        super().__init__()
        self._messages = 0
        self._counts: dict[str, int | None] = {}
        self._cost: float | None = 0.0
        self._stop: tuple[JSON, JSON] = (None, None)

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`."""
        return first.get("type") == "session" and {"version", "id", "cwd"} <= first.keys()

    def line(self, text: str) -> None:
        """See `Reading`."""
        if text.startswith(_UPDATE):
            self._note_event("message_update")
        elif text.startswith(_ENDS):
            # It repeats every message of the run.
            self._note_end()
        else:
            super().line(text)

    def long_line(self, beginning: str) -> None:
        """See `Reading`."""
        if beginning.startswith(_ENDS):
            self._note_end()

    def _event(self, kind: str, event: dict[str, JSON]) -> None:
        self._note_event(kind, event.get("id") if kind == "session" else None)
        message = fields_of(event.get("message"))
        if kind in ("agent_start", "auto_retry_start"):
            self._begin_anew()
        elif kind == "message_end" and message.get("role") == "assistant":
            self._note_message(message)
        elif kind == "agent_end":
            self._note_end()

    def _note_message(self, message: dict[str, JSON]) -> None:
        self.model = self.model if message.get("model") is None else str(message["model"])[:200]
        self._stop = (message.get("stopReason"), message.get("errorMessage"))
        self._text = "".join(_texts(message.get("content")))[-MOST_ANSWER:]
        self._messages += 1
        usage = fields_of(message.get("usage"))
        for name, key in _COUNTS.items():
            before = self._counts.get(name, 0)
            self._counts[name] = None if before is None else whole_total([before, usage.get(key)])
        cost = dollars(fields_of(usage.get("cost")).get("total"))
        self._cost = None if cost is None or self._cost is None else self._cost + cost

    def _note_end(self) -> None:
        self._note_event("agent_end")
        reason, message = self._stop
        if reason == "aborted":
            self._begin_anew()
        elif reason == "stop":
            self._end()
        else:
            told = (
                message
                if isinstance(message, str) and message
                else f"the agent stopped for the reason {reason}"
            )
            self._end(told)

    def _used(self) -> dict[str, object]:
        if not self._messages:
            return {}
        raw = {"messages": self._messages, **self._counts, "cost": self._cost}
        # It counts 0 dollars where it has no price of the model.
        return {**self._counts, "cost_usd": self._cost or None, "usage": raw}


def _texts(content: JSON) -> list[str]:
    parts = [fields_of(part) for part in content] if isinstance(content, list) else []
    return [
        text for part in parts if part.get("type") == "text" and isinstance(text := part.get("text"), str)
    ]


PI = Kind(
    name="pi",
    reading=PiReading,
    always=(Ours(("-p",), ("--print",)), Ours(("--mode", "json"))),
    reads=Ours(("--tools", "read,grep,find,ls"), ("-t", "--no-tools", "-nt", "--no-builtin-tools", "-nbt")),
    resume=("--session",),
    model=("--model",),
    sessions=("--session", "--continue", "-c", "--resume", "-r", "--fork", "--no-session"),
    formats=("--mode",),
    understood=frozenset(("json",)),
    unknown_session=re.compile(r"No session found matching"),
)
