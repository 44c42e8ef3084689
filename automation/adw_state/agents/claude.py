"""Claude Code: how it is called without a terminal, and what its output says.

It is never given permission to do everything. By default it may edit files in the worktree and, where it
judges, only read; whatever else it wants to run is denied, which its result reports. A team that wants
more says so in its own words, `agent = "claude --permission-mode …"` or `--allowedTools …` in adw.toml:
as soon as a flag of that kind is given, ours are left out.

Rules for its output, each from files that exist (see `protocol` for their form): the last result counts;
`is_error` counts more than `subtype`; the cost of the last result is the session's, so nothing is summed;
tokens come from `modelUsage`, and from `usage` only where that is missing; a stream of messages without a
result is no success, it is an agent that was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

from adw_state.agents.agent import (
    MOST_MASKED,
    Agent,
    AgentResult,
    dollars,
    read_plain,
    short_name,
    whole_total,
)
from adw_state.agents.protocol import is_protocol, read_messages
from adw_state.errors import AgentOutputError
from adw_state.redaction import recordable
from adw_state.store.json_values import JSON

_PERMISSION_FLAGS = (
    "--permission-mode", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools",
    "--dangerously-skip-permissions", "--permission-prompt-tool",
)  # fmt: skip
_EDITS = ("--permission-mode", "acceptEdits")
_READS = ("--allowedTools", "Read,Grep,Glob,Bash(git diff:*),Bash(git log:*),Bash(git show:*)")


def claude(program: str, given: list[str]) -> Agent:
    """The agent that is this program with these arguments."""
    names = {word.partition("=")[0] for word in given if word.startswith("-")}
    plain = "--output-format=text" in given or ("--output-format", "text") in pairwise(given)
    ours = [] if names & {"-p", "--print"} else ["-p"]
    if "--output-format" not in names:
        ours += ["--output-format", "json"]
    free = not names & set(_PERMISSION_FLAGS)
    command, reading = (
        (program, *ours, *(permission if free else ()), *given) for permission in (_EDITS, _READS)
    )
    return Agent("claude", command, reading, read_plain if plain else read_claude, says_when_done=not plain)


def read_claude(output: Path, secrets: Iterable[str] = ()) -> AgentResult:
    """Understand the output of an agent that is known to answer as Claude Code does."""
    messages = read_messages(output)
    if messages.result is not None:
        return _from_message(messages.result, messages.model)
    if messages.seen:
        raise AgentOutputError(
            "the agent's output ends without a result, so it was cut off before it was done",
            hint=f"its messages are in {output}; resume to try again",
        )
    start = _beginning(output, secrets)
    raise AgentOutputError(
        f"the agent's output holds no result: it printed {repr(start) if start else 'nothing'}",
        hint=f"see {output}; resume to try again",
    )


def read_any(output: Path, secrets: Iterable[str] = ()) -> AgentResult:
    """Understand the output of an agent that nothing is known of: it may answer so, or in plain text."""
    return read_claude(output, secrets) if is_protocol(output) else read_plain(output)


def _from_message(message: dict[str, JSON], model: str | None) -> AgentResult:
    answer = message.get("result")
    text = (
        answer
        if isinstance(answer, str)
        else ""
        if answer is None
        else json.dumps(answer, ensure_ascii=False)
    )
    usage = message.get("modelUsage")
    per_model = (
        {name: use for name, use in usage.items() if isinstance(use, dict)} if isinstance(usage, dict) else {}
    )
    tokens = _tokens(per_model.values(), _MODEL_USAGE_KEYS)
    if not any(key in use for use in per_model.values() for key in _MODEL_USAGE_KEYS.values()):
        tokens = _tokens([message.get("usage")], _USAGE_KEYS)
    return AgentResult(
        text=text,
        error=_error(message, text),
        session_id=short_name(message.get("session_id")),
        model=short_name(model) or short_name(_costliest(per_model)),
        cost_usd=dollars(message.get("total_cost_usd")),
        **tokens,
    )


_MODEL_USAGE_KEYS = {
    "input_tokens": "inputTokens",
    "cache_read_tokens": "cacheReadInputTokens",
    "cache_write_tokens": "cacheCreationInputTokens",
    "output_tokens": "outputTokens",
}
_USAGE_KEYS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
    "output_tokens": "output_tokens",
}


def _tokens(uses: Iterable[JSON], keys: Mapping[str, str]) -> dict[str, int | None]:
    """The tokens of every kind, by the name of their field; `keys` say what the message calls them."""
    counted = [use for use in uses if isinstance(use, dict)]
    return {
        name: whole_total([use[key] for use in counted if use.get(key) is not None])
        for name, key in keys.items()
    }


def _error(message: dict[str, JSON], text: str) -> str | None:
    subtype = str(message.get("subtype") or "")
    # Some versions end with a subtype such as error_max_turns and forget the flag.
    if message.get("is_error") in (None, False, "false") and not subtype.startswith("error"):
        return None
    return text.strip() or f"the agent reported {subtype or 'an error'} without a message"


def _costliest(per_model: dict[str, dict[str, JSON]]) -> str | None:
    """The model that did most of the work, by cost; the first by name where costs are equal."""
    ranked = sorted(per_model, key=lambda name: (-(dollars(per_model[name].get("costUSD")) or 0.0), name))
    return ranked[0] if ranked else None


def _beginning(output: Path, secrets: Iterable[str]) -> str:
    with output.open("rb") as file:
        return recordable(file.read(MOST_MASKED).decode("utf-8", "replace").strip(), secrets)[:60]
