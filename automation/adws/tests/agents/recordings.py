"""Outputs in the shape of real ones, which lie in `recorded/`, and what is understood of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adw_state.agents.result import TOKENS, AgentResult

RECORDED = Path(__file__).parent / "recorded"
CUT = "the agent's output ends without a result, so it was cut off before it was done"
BACKGROUND = "the agent ended its turn while its background work was not done, so that work was cut off"
WROTE = "I wrote hello.txt."
SESSIONS = {
    "claude": "c1a0de00-0000-4000-8000-000000000006",
    "codex": "0a1b2c3d-0001-7000-8000-000000000001",
    "opencode": "ses_demo000000000000000000001",
    "gemini": "5e55105e-0000-4000-8000-000000000003",
    "qwen": "9e000000-0000-4000-8000-000000000004",
    "pi": "01a21106-0000-7000-8000-000000000005",
}
MODELS = {"claude": "claude-demo-5", "gemini": "gemini-2.5-pro", "qwen": "qwen-max", "pi": "demo-1"}
CLAUDE_USED = (312, 15200, 2100, 360, None, 0.051)
NOTHING = (None, None, None, None, None, None)

# Tokens: input without cache, cache read, cache write, output, and what of that was reasoning; then dollars.
UNDERSTOOD: dict[str, tuple[str, str | None, str | None, tuple[Any, ...]]] = {
    "claude/success": (WROTE, None, None, CLAUDE_USED),
    "claude/denied": ("I could not run the tests.", None, None, CLAUDE_USED),
    "claude/is_error_with_success": (
        "API Error: 529 overloaded", "API Error: 529 overloaded", "rate_limited",
        (0, None, None, 0, None, 0.051),
    ),
    "claude/usage_limit": (
        "You've hit your limit", "You've hit your limit", "rate_limited", (None,) * 5 + (0.051,)
    ),
    "claude/not_logged_in": (
        "Invalid API key · Please run /login", "Invalid API key · Please run /login", "auth",
        (None,) * 5 + (0.051,),
    ),
    "claude/turn_limit": ("", "Reached maximum number of turns (3)", "agent_error", CLAUDE_USED),
    "claude/two_results": ("whole", None, None, CLAUDE_USED),
    "claude/cut_off": ("", CUT, "cut_off", NOTHING),
    "claude/background_done": (WROTE, None, None, CLAUDE_USED),
    "claude/background_open": ("I wait for the tests.", BACKGROUND, "cut_off", CLAUDE_USED),
    "claude/background_stopped_at_end": ("I wait for the tests.", BACKGROUND, "cut_off", CLAUDE_USED),
    "claude/background_stopped_by_itself": (WROTE, None, None, CLAUDE_USED),
    "claude/foreground_task": (WROTE, None, None, CLAUDE_USED),
    "codex/success": (WROTE, None, None, (2010, 1200, 0, 310, 75, None)),
    "codex/retried": ("recovered", None, None, (1000, 0, 0, 100, 25, None)),
    "codex/resumed": ("second done", None, None, (3230, 2100, 0, 520, 125, None)),
    "codex/failed_401": ("", "unexpected status 401 Unauthorized: no such key", "auth", NOTHING),
    "codex/failed_429": (
        "", "exceeded retry limit, last status: 429 Too Many Requests", "rate_limited", NOTHING
    ),
    "codex/cut_off": ("", CUT, "cut_off", NOTHING),
    "opencode/success": (WROTE, None, None, (1110, 900, 50, 220, 30, 0.0055)),
    "opencode/no_price": ("hi", None, None, (610, 500, 0, 90, 0, None)),
    "opencode/failed_401": ("", "no such key (status 401)", "auth", NOTHING),
    "opencode/denied": (
        "", "the agent was not allowed to use write, and ended without an answer", "denied",
        (500, 500, 0, 100, 0, 0.003),
    ),
    "opencode/denied_plan": ("Here is what I would do.", None, None, (1000, 1000, 0, 200, 0, 0.006)),
    "opencode/failed_tool": ("", CUT, "cut_off", (500, 0, 0, 100, 0, 0.003)),
    "opencode/too_long": (
        "I wro", "the agent stopped for the reason length", "agent_error", (500, 0, 0, 4096, 0, 0.01)
    ),
    "gemini/success": (WROTE, None, None, (1800, 1200, None, 360, 60, None)),
    "gemini/denied": ("I may not write.", None, None, (1000, 1000, None, 200, 0, None)),
    "gemini/failed_401": (
        "", '[API Error: {"error":{"message":"no such key","code":401}}]', "auth", (0, 0, None, 0, 0, None)
    ),
    "gemini/sigterm_exit_0": ("", CUT, "cut_off", NOTHING),
    "qwen/success": (WROTE, None, None, (1200, 900, None, 200, None, None)),
    "qwen/resumed": ("second done", None, None, (2350, 1900, None, 420, None, None)),
    "qwen/failed_401": ("", "[API Error: 401 no such key]", "auth", (0, 0, None, 0, None, None)),
    "qwen/turn_limit": ("", CUT, "cut_off", NOTHING),
    "pi/success": (WROTE, None, None, (1110, 900, 50, 190, None, 0.0055)),
    "pi/failed_401_exit_0": ("", "401 no such key", "auth", (0, 0, 0, 0, None, None)),
    "pi/retried": ("recovered", None, None, (500, 0, 0, 100, None, 0.002)),
    "pi/cut_off": ("", CUT, "cut_off", (500, 500, 0, 100, None, 0.00315)),
    "pi/cut_off_in_retry": ("", CUT, "cut_off", (0, 0, 0, 0, None, None)),
}  # fmt: skip
DENIED = {
    "claude/denied": ("Bash", "WebFetch"),
    "opencode/denied": ("write",),
    "opencode/denied_plan": ("write",),
    "gemini/denied": ("write_file",),
}


def recording(name: str) -> Path:
    """The output of a case."""
    return RECORDED / f"{name}.jsonl"


def used(result: AgentResult) -> tuple[Any, ...]:
    """Tokens and cost of a result."""
    return (*(getattr(result, name) for name in TOKENS), result.cost_usd)
