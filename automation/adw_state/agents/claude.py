"""Claude Code: how it is called without a terminal, and what its output says.

It is never given permission to do everything. By default it may edit files in the worktree and, where it
judges, only read; whatever else it wants to run is denied, which its result reports. A team that wants
more says so in its own words, `agent = "claude --permission-mode …"` or `--allowedTools …` in adw.toml:
as soon as a flag of that kind is given, ours are left out.

Rules for its output, each from files that exist (see `protocol` for their form): the last result counts;
`is_error` counts more than `subtype`; the cost of the last result is the session's, so nothing is summed;
tokens come from `modelUsage`, and from `usage` only where that is missing, never from the messages before,
whose counts are placeholders; a stream of messages without a result is no success, it is an agent that was
cut off. So is one whose background work was not done when its turn ended, because that work dies with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from adw_state.agents.agent import Kind, Ours
from adw_state.agents.protocol import is_message, messages_in_line, messages_in_text
from adw_state.agents.reading import CUT_OFF, Reading, class_of, fields_of
from adw_state.agents.result import AgentResult, dollars, short_name, whole_total
from adw_state.store.json_values import JSON

# A text is kept, in case that no line of it is a message, up to this size.
_MOST_WHOLE = 2 * 1024 * 1024
_BACKGROUND = "the agent ended its turn while its background work was not done, so that work was cut off"
_STOPPED = ("stopped", "killed")
_OVER = ("completed", "failed", *_STOPPED)
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


class ClaudeReading(Reading):
    """Claude Code's messages, one JSON object per line or in another form that holds them."""

    def __init__(self) -> None:
        super().__init__()
        self._result: dict[str, JSON] | None = None
        self._background: set[str] = set()
        self._stopped: set[str] = set()
        self._whole: list[str] = []
        self._whole_size = 0

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """See `Reading`. One without a session is recognised by all of an output, not by its first line."""
        return is_message(first) and isinstance(first.get("session_id"), str)

    def line(self, text: str) -> None:
        """See `Reading`."""
        self._keep(text)
        stripped = text.strip().removeprefix("\ufeff").strip().removesuffix(",")
        self._note_beginning(stripped)
        for message in messages_in_line(stripped):
            self._note(message)

    def long_line(self, beginning: str) -> None:
        """See `Reading`: a result that is too long cannot be read."""
        self.line(beginning)
        self._whole_size = _MOST_WHOLE

    def result(self, secrets: Iterable[str] = ()) -> AgentResult:
        """See `Reading`."""
        if self.events == 0 and self._whole_size < _MOST_WHOLE:
            for message in messages_in_text("\n".join(self._whole).strip()):
                self._note(message)
        if self._result is None:
            error = self._no_result(secrets)
            return AgentResult("", error, self.session_id, self.model, error_class=CUT_OFF)
        return self._understood(self._result)

    def _keep(self, text: str) -> None:
        """Keep the text as long as no line is a message: it may be one that goes over many lines."""
        if self.events or self._whole_size >= _MOST_WHOLE:
            self._whole = []
            return
        self._whole.append(text)
        # A short line takes more room than its letters.
        self._whole_size += len(text) + 50

    def _note(self, message: dict[str, JSON] | None) -> None:
        if message is None:
            self._note_event("result")
            self._result = None
            return
        kind, model = str(message["type"]), message.get("model")
        self._note_event(kind, message.get("session_id"), model if kind == "system" else None)
        if kind == "result":
            self._result = message
        elif kind == "assistant":
            self._stopped.clear()
        elif kind == "system":
            self._note_background(message)

    def _note_background(self, message: dict[str, JSON]) -> None:
        """Its own work in the background: what was begun and is not over, and what was stopped at the end.

        What the agent stops itself is followed by something that it says.
        """
        task, patch = short_name(message.get("task_id")), fields_of(message.get("patch"))
        if task is None:
            return
        if message.get("subtype") == "task_started":
            if message.get("is_backgrounded") is not False and message.get("ambient") is not True:
                self._background.add(task)
        elif patch.get("is_backgrounded") is True:
            self._background.add(task)
        elif task in self._background and (message.get("status") or patch.get("status")) in _OVER:
            self._background.discard(task)
            if (message.get("status") or patch.get("status")) in _STOPPED:
                self._stopped.add(task)

    def _understood(self, message: dict[str, JSON]) -> AgentResult:
        text = _text(message.get("result"))
        per_model = {
            name: use for name, use in fields_of(message.get("modelUsage")).items() if fields_of(use)
        }
        error, error_class = self._failure(message, text)
        tokens, usage = self._tokens(message, per_model)
        return AgentResult(
            text=text,
            error=error,
            session_id=short_name(message.get("session_id")) or self.session_id,
            model=short_name(self.model) or short_name(_costliest(per_model)),
            cost_usd=dollars(message.get("total_cost_usd")),
            error_class=error_class,
            denied=_denied(message),
            cumulative=self.cumulative,
            usage=usage,
            **tokens,  # type: ignore[arg-type]
        )

    def _tokens(
        self, message: dict[str, JSON], per_model: dict[str, JSON]
    ) -> tuple[dict[str, int | None], JSON]:
        """The tokens of every kind, by the name of their field, and the object they are from."""
        uses = [fields_of(use) for use in per_model.values()]
        if any(key in use for use in uses for key in _MODEL_USAGE_KEYS.values()):
            return _counted(uses, _MODEL_USAGE_KEYS), message.get("modelUsage")
        return _counted([fields_of(message.get("usage"))], _USAGE_KEYS), message.get("usage")

    def _failure(self, message: dict[str, JSON], text: str) -> tuple[str | None, str | None]:
        error = _error(message, text)
        if error is not None:
            status = message.get("api_error_status")
            return error, class_of(f"{status} {error}" if isinstance(status, int) else error)
        if self._background or self._stopped:
            return _BACKGROUND, CUT_OFF
        return None, None


def _counted(uses: list[dict[str, JSON]], keys: Mapping[str, str]) -> dict[str, int | None]:
    """The totals of some uses; `keys` say what the message calls each kind of tokens."""
    return {
        name: whole_total([use[key] for use in uses if use.get(key) is not None])
        for name, key in keys.items()
    }


def _text(answer: JSON) -> str:
    if answer is None:
        return ""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _error(message: dict[str, JSON], text: str) -> str | None:
    subtype = str(message.get("subtype") or "")
    # Some versions end with a subtype such as error_max_turns and forget the flag.
    if message.get("is_error") in (None, False, "false") and not subtype.startswith("error"):
        return None
    told = [text, *_texts(message.get("errors")), _text(fields_of(message.get("error")).get("message"))]
    said = next((one.strip() for one in told if one.strip()), "")
    return said or f"the agent reported {subtype or 'an error'} without a message"


def _texts(value: JSON) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _denied(message: dict[str, JSON]) -> tuple[str, ...]:
    denials = message.get("permission_denials")
    names = (
        [short_name(fields_of(one).get("tool_name")) for one in denials] if isinstance(denials, list) else []
    )
    return tuple(dict.fromkeys(name or "a tool" for name in names[:100]))


def _costliest(per_model: dict[str, JSON]) -> str | None:
    """The model that did most of the work, by cost; the first by name where costs are equal."""
    costs = {name: dollars(fields_of(use).get("costUSD")) or 0.0 for name, use in per_model.items()}
    return min(costs, key=lambda name: (-costs[name], name), default=None)


_PERMISSIONS = (
    "--permission-mode", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools",
    "--dangerously-skip-permissions", "--permission-prompt-tool",
)  # fmt: skip

CLAUDE = Kind(
    name="claude",
    reading=ClaudeReading,
    always=(Ours(("-p",), ("--print",)), Ours(("--output-format", "stream-json", "--verbose"))),
    edits=Ours(("--permission-mode", "acceptEdits"), _PERMISSIONS),
    reads=Ours(
        ("--allowedTools", "Read,Grep,Glob,Bash(git diff:*),Bash(git log:*),Bash(git show:*)"), _PERMISSIONS
    ),
    begin=("--session-id",),
    resume=("--resume",),
    model=("--model",),
    sessions=(
        "--session-id",
        "--resume",
        "-r",
        "--continue",
        "-c",
        "--fork-session",
        "--no-session-persistence",
    ),
    formats=("--output-format",),
    understood=frozenset(("json", "stream-json")),
    unknown_session=re.compile(r"No conversation found with session ID", re.I),
)
