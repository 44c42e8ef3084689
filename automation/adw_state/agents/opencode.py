"""opencode: `opencode run --format json`; it chooses its session, which each of its lines names.

Where it judges, it is the agent `plan`, which edits nothing; its shell commands are not kept from writing.
It is done when a step ends with the reason stop: one whose permission was refused ends with another, and
with exit code 0. What goes in leaves out what the cache gave; what comes out leaves out reasoning, which is
added here. Tokens and cost are the sums of its steps. A cost of 0 is none: opencode has no price then.
"""

from __future__ import annotations

import re

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.reading import EventReading, fields_of
from adw_state.agents.result import dollars, short_name, whole_total
from adw_state.store.json_values import JSON

_KINDS = ("step_start", "step_finish", "text", "tool_use", "reasoning", "error")
_REFUSED = re.compile(r"reject|permission|prevents you|not allowed|denied", re.I)


class OpencodeReading(EventReading):
    """opencode's events; the answer is the text of its last step."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int | None] = {}
        self._cost: float | None = None
        self._steps: int = 0

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`."""
        return first.get("type") in _KINDS and isinstance(first.get("sessionID"), str)

    def _event(self, kind: str, event: dict[str, JSON]) -> None:
        part = fields_of(event.get("part"))
        self._note_event(kind, event.get("sessionID"))
        if kind == "step_start":
            self._begin_anew()
            self._text = ""
        elif kind == "text":
            self._say(f"{part.get('text')}\n" if isinstance(part.get("text"), str) else None)
        elif kind == "tool_use":
            self._note_tool(part)
        elif kind == "step_finish":
            self._finish_step(part)
        elif kind == "error":
            self._end(_message(fields_of(event.get("error"))))

    def _note_tool(self, part: dict[str, JSON]) -> None:
        state = fields_of(part.get("state"))
        if state.get("status") == "error" and _REFUSED.search(str(state.get("error"))):
            self._deny(part.get("tool"))

    def _finish_step(self, part: dict[str, JSON]) -> None:
        self._steps += 1
        tokens = fields_of(part.get("tokens"))
        cache = fields_of(tokens.get("cache"))
        self._add("input_tokens", [tokens.get("input")])
        self._add("cache_read_tokens", [cache.get("read")])
        self._add("cache_write_tokens", [cache.get("write")])
        self._add("output_tokens", [tokens.get("output"), tokens.get("reasoning", 0)])
        self._add("reasoning_tokens", [tokens.get("reasoning")])
        cost = dollars(part.get("cost"))
        self._cost = cost if self._steps == 1 or cost is None or self._cost is None else self._cost + cost
        reason = part.get("reason")
        if reason == "stop":
            self._end()
        elif reason not in ("tool-calls", None):
            self._end(f"the agent stopped for the reason {short_name(reason)}")

    def _add(self, name: str, counts: list[JSON]) -> None:
        """Add the counts of a step; one that is not known makes the sum unknown."""
        before = self._counts.get(name, 0)
        self._counts[name] = None if before is None else whole_total([before, *counts])

    def _used(self) -> dict[str, object]:
        raw = {"steps": self._steps, **self._counts, "cost": self._cost} if self._steps else None
        return {**self._counts, "cost_usd": self._cost or None, "usage": raw}


def _message(error: dict[str, JSON]) -> str:
    data = fields_of(error.get("data"))
    said = data.get("message") or error.get("message") or error.get("name") or "the agent reported an error"
    status = data.get("statusCode")
    return f"{said} (status {status})" if isinstance(status, int) else str(said)


OPENCODE = Kind(
    name="opencode",
    reading=OpencodeReading,
    sub=("run",),
    # Without a title it asks the model for one, and does not count that.
    always=(Ours(("--format", "json")), Ours(("--title", "adw"))),
    reads=Ours(("--agent", "plan")),
    resume=("-s",),
    model=("-m",),
    sessions=("-s", "--session", "-c", "--continue", "--fork"),
    formats=("--format",),
    understood=frozenset(("json",)),
    unknown_session=re.compile(r"Session not found", re.I),
)
