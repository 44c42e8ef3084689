"""What an agent's output says.

Two forms are understood: Claude Code's headless output (see `protocol`), and plain text. Rules for the
first, each from files that exist: the last result counts; `is_error` counts more than `subtype`; the cost
of the last result is the session's, so nothing is summed; tokens come from `modelUsage`, and from `usage`
only where that is missing; a stream of messages without a result is no success, it is an agent that was
cut off. What stands beside the answer (session, model, tokens, cost) and has an odd value is not known;
that is no reason to refuse an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from adw_state.agents.protocol import is_protocol, read_messages
from adw_state.errors import AgentOutputError
from adw_state.redaction import recordable, redact
from adw_state.store.json_values import JSON

# How much of an answer is kept with the execution; all of it is in the output file.
MOST_TEXT = 20_000
# So much is looked through for credentials: more than is kept, so that none is cut before it is masked.
MOST_MASKED = 20 * MOST_TEXT
# Longer names of sessions and models are none, and larger numbers have no place in a database.
_MOST_NAME = 200
_MOST_TOKENS = 2**63 - 1
_MOST_COST = 1e9


@dataclass(frozen=True, slots=True)
class AgentResult:
    """An agent's answer. `error` is what it reported as its failure, None when it reported success.

    Fields from `session_id` on are those of the attempt. Tokens that went in are those that the provider's
    cache neither gave nor took; what it gave and took is counted apart.
    """

    text: str
    error: str | None = None
    session_id: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def for_record(self, secrets: Iterable[str]) -> AgentResult:
        """This result as it is stored: every text masked by itself, then cut to 20,000 characters."""
        known = tuple(secrets)
        return replace(
            self,
            # The end of an answer says more than its beginning; of an error it is the other way round.
            text=recordable(self.text[-MOST_MASKED:], known)[-MOST_TEXT:],
            error=None if self.error is None else recordable(self.error[:MOST_MASKED], known)[:MOST_TEXT],
            session_id=None if self.session_id is None else redact(self.session_id, known),
            model=None if self.model is None else redact(self.model, known),
        )

    def to_json(self) -> dict[str, JSON]:
        """This result as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, JSON]) -> AgentResult:
        """The result that `to_json` was called on; other fields of the object are passed over."""
        return cls(**{name: value.get(name) for name in cls.__slots__})  # type: ignore[arg-type]


# What of a result an attempt keeps, by the names that both have for it.
USED = tuple(field.name for field in fields(AgentResult) if field.name not in ("text", "error"))


def read_result(output: Path, *, structured: bool | None, secrets: Iterable[str] = ()) -> AgentResult:
    """Understand an agent's output file; the answer comes back whole and as it was said.

    `structured` says whether the agent is known to answer in the protocol, so that plain text is not an
    answer, or in plain text; where it is None, the output tells. Raises `AgentOutputError`, with `secrets`
    masked, when there is no result.
    """
    if structured is False or (structured is None and not is_protocol(output)):
        return AgentResult(text=output.read_text(encoding="utf-8", errors="replace").strip())
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
        session_id=_name(message.get("session_id")),
        model=_name(model) or _name(_costliest(per_model)),
        cost_usd=_amount(message.get("total_cost_usd")),
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
        name: _total([use[key] for use in counted if use.get(key) is not None]) for name, key in keys.items()
    }


def _total(counts: list[JSON]) -> int | None:
    """The sum of numbers of tokens; None where there are none, where one is odd, or where it is too large."""
    total = 0
    for count in counts:
        if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count <= _MOST_TOKENS:
            return None
        if count != int(count):
            return None
        total += int(count)
    return total if counts and total <= _MOST_TOKENS else None


def _amount(value: JSON) -> float | None:
    """An amount of dollars."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_COST:
        return None
    return float(value)


def _name(value: JSON) -> str | None:
    """What can name a session or a model."""
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _MOST_NAME else None


def _error(message: dict[str, JSON], text: str) -> str | None:
    subtype = str(message.get("subtype") or "")
    # Some versions end with a subtype such as error_max_turns and forget the flag.
    if message.get("is_error") in (None, False, "false") and not subtype.startswith("error"):
        return None
    return text.strip() or f"the agent reported {subtype or 'an error'} without a message"


def _costliest(per_model: dict[str, dict[str, JSON]]) -> str | None:
    """The model that did most of the work, by cost; the first by name where costs are equal."""
    ranked = sorted(per_model, key=lambda name: (-(_amount(per_model[name].get("costUSD")) or 0.0), name))
    return ranked[0] if ranked else None


def _beginning(output: Path, secrets: Iterable[str]) -> str:
    with output.open("rb") as file:
        return recordable(file.read(MOST_MASKED).decode("utf-8", "replace").strip(), secrets)[:60]
