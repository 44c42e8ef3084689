"""qwen-code: Claude Code's form of output, with another meaning of tokens, and a session of our choice.

What goes in includes what a cache gave, and a session that is resumed counts from its beginning. By
default it may edit files and, where it judges, only read (`--approval-mode plan`).
"""

from __future__ import annotations

import re

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.claude import ClaudeReading
from adw_state.agents.reading import less
from adw_state.store.json_values import JSON


class QwenReading(ClaudeReading):
    """qwen-code's messages."""

    cumulative = True

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`."""
        return super().begins(first) and "qwen_code_version" in first

    def _tokens(
        self, message: dict[str, JSON], per_model: dict[str, JSON]
    ) -> tuple[dict[str, int | None], JSON]:
        counted, usage = super()._tokens(message, per_model)
        cached = counted["cache_read_tokens"], counted["cache_write_tokens"]
        return {**counted, "input_tokens": less(counted["input_tokens"], *cached)}, usage


_APPROVALS = ("--yolo", "-y", "--allowed-tools", "--core-tools", "--exclude-tools")

QWEN = Kind(
    name="qwen",
    reading=QwenReading,
    always=(Ours(("--output-format", "stream-json"), ("-o",)),),
    edits=Ours(("--approval-mode", "auto-edit"), _APPROVALS),
    reads=Ours(("--approval-mode", "plan"), _APPROVALS),
    begin=("--session-id",),
    resume=("--resume",),
    model=("-m",),
    sessions=("--session-id", "--resume", "-r", "--continue", "-c"),
    formats=("--output-format", "-o"),
    understood=frozenset(("json", "stream-json")),
    unknown_session=re.compile(r"No saved session found with ID"),
)
