"""The kinds of agents that are known by the name of their program; each has a module of its own."""

from __future__ import annotations

from collections.abc import Mapping

from adw_state.agents.agent import Kind
from adw_state.agents.claude import CLAUDE
from adw_state.agents.codex import CODEX
from adw_state.agents.gemini import GEMINI
from adw_state.agents.opencode import OPENCODE
from adw_state.agents.pi import PI
from adw_state.agents.qwen import QWEN

# An output is in the format of the first that it begins like: qwen-code's is Claude Code's with a mark.
_KNOWN = (QWEN, CLAUDE, CODEX, OPENCODE, GEMINI, PI)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KNOWN}
