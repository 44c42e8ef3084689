"""Codex: `codex exec --json`, in its sandbox; it chooses its session, which its first line names.

By default it may write in the worktree (`-s workspace-write`) and, where it judges, only read (`-s
read-only`). What it is denied is no event. A line of the type error is a retry, and an item of that type a
warning: only `turn.failed` is a failure. What goes in includes what the cache gave, and all counts are
those of the thread.
"""

from __future__ import annotations

import re

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.reading import EventReading, fields_of, less
from adw_state.agents.result import whole_total
from adw_state.store.json_values import JSON

_COUNTS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_write_input_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_output_tokens",
}


class CodexReading(EventReading):
    """Codex's events; the answer is its last message."""

    cumulative = True

    def __init__(self) -> None:
        super().__init__()
        self._usage: dict[str, JSON] | None = None

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`."""
        return first.get("type") == "thread.started" and isinstance(first.get("thread_id"), str)

    def _event(self, kind: str, event: dict[str, JSON]) -> None:
        item = fields_of(event.get("item"))
        self._note_event(kind, event.get("thread_id"))
        if kind == "turn.started":
            self._begin_anew()
        elif kind == "item.completed" and item.get("type") == "agent_message":
            self._text = ""
            self._say(item.get("text"))
        elif kind == "turn.completed":
            self._usage = fields_of(event.get("usage"))
            self._end()
        elif kind == "turn.failed":
            message = fields_of(event.get("error")).get("message")
            self._end(message if isinstance(message, str) and message else "the turn failed")

    def _used(self) -> dict[str, object]:
        usage = self._usage or {}
        counts = {name: whole_total([usage[key]]) if key in usage else None for name, key in _COUNTS.items()}
        cached = counts["cache_read_tokens"], counts["cache_write_tokens"]
        return {**counts, "input_tokens": less(counts["input_tokens"], *cached), "usage": self._usage}


_SANDBOXES = (
    "--sandbox", "--full-auto", "--yolo", "--dangerously-bypass-approvals-and-sandbox", "sandbox_mode"
)  # fmt: skip

CODEX = Kind(
    name="codex",
    reading=CodexReading,
    sub=("exec",),
    always=(Ours(("--json",)),),
    edits=Ours(("-s", "workspace-write"), _SANDBOXES),
    reads=Ours(("-s", "read-only"), _SANDBOXES),
    last=("-",),
    resume=("resume",),
    model=("-m",),
    unknown_session=re.compile(r"no rollout found for thread|no (?:saved )?session found", re.I),
)
