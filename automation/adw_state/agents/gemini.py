"""Gemini CLI: `gemini -o stream-json`, in a session of our choice.

By default it may edit files but run nothing (`--approval-mode auto_edit`) and, where it judges, only read
(`plan`). It is done when it prints a result; stopped by a signal it prints none and still ends with exit
code 0. What goes in includes what the cache gave. What the total holds beyond input and output is
reasoning.
"""

from __future__ import annotations

import re

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.reading import EventReading, fields_of, less
from adw_state.agents.result import whole_total
from adw_state.store.json_values import JSON


class GeminiReading(EventReading):
    """Gemini CLI's events; the answer is what it said after its last tool."""

    def __init__(self) -> None:
        super().__init__()
        self._stats: dict[str, JSON] | None = None
        self._tools: dict[str, JSON] = {}

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`."""
        return first.get("type") == "init" and isinstance(first.get("session_id"), str)

    def _event(self, kind: str, event: dict[str, JSON]) -> None:
        self._note_event(kind, event.get("session_id"), event.get("model"))
        if kind == "message" and event.get("role") == "assistant":
            if event.get("delta") is not True:
                self._text = ""
            self._say(event.get("content"))
        elif kind == "tool_use":
            self._text = ""
            self._tools = {str(event.get("tool_id")): event.get("tool_name")}
        elif kind == "tool_result":
            if fields_of(event.get("error")).get("type") == "policy_violation":
                self._deny(self._tools.get(str(event.get("tool_id"))))
        elif kind == "result":
            self._stats = fields_of(event.get("stats"))
            message = fields_of(event.get("error")).get("message")
            said = message if isinstance(message, str) and message else "the agent reported an error"
            self._end(None if event.get("status") == "success" else said)

    def _used(self) -> dict[str, object]:
        stats = self._stats or {}
        total, went_in, came_out, cached = (
            whole_total([stats[key]]) if key in stats else None
            for key in ("total_tokens", "input_tokens", "output_tokens", "cached")
        )
        thought = less(total, went_in, came_out) if went_in is not None and came_out is not None else None
        return {
            "input_tokens": less(went_in, cached),
            "cache_read_tokens": cached,
            "output_tokens": None if came_out is None else came_out + (thought or 0),
            "reasoning_tokens": thought,
            "usage": self._stats,
        }


_APPROVALS = ("--yolo", "-y", "--allowed-tools", "--policy")

GEMINI = Kind(
    name="gemini",
    reading=GeminiReading,
    always=(Ours(("-o", "stream-json"), ("--output-format",)), Ours(("--skip-trust",))),
    edits=Ours(("--approval-mode", "auto_edit"), _APPROVALS),
    reads=Ours(("--approval-mode", "plan"), _APPROVALS),
    begin=("--session-id",),
    resume=("--resume",),
    model=("-m",),
    sessions=("--session-id", "--resume", "-r"),
    formats=("-o", "--output-format"),
    understood=frozenset(("stream-json",)),
    unknown_session=re.compile(r"Error resuming session|Invalid session identifier"),
)
