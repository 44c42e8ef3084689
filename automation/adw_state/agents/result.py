"""What an agent answered, and which of the values beside its answer can be stored.

What stands beside an answer (session, model, tokens, cost) and has an odd value is not known; that is no
reason to refuse the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import TypeGuard

from adw_state.redaction import recordable, redact
from adw_state.store.json_values import JSON
from adw_state.store.records import Attempt

# How much of an answer is kept with the execution; all of it is in the output file.
MOST_TEXT = 20_000
# So much is looked through for credentials: more than is kept, so that none is cut before it is masked.
MOST_MASKED = 20 * MOST_TEXT
# Longer names of sessions and models are none, and larger numbers have no place in a database.
_MOST_NAME = 200
_MOST_TOKENS = 2**63 - 1
_MOST_COST = 1e9
# The kinds of tokens that are counted apart. Reasoning is a part of the output, every other one stands alone.
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
# What of a result an attempt keeps, by the names that both have for it.
USED = ("session_id", "model", *TOKENS, "cost_usd", "cost_kind")


@dataclass(frozen=True, slots=True)
class AgentResult:
    """An agent's answer. `error` is what it reported as its failure, None when it reported success.

    Tokens that went in are those that the provider's cache neither gave nor took. `cost_usd` is what the
    agent reports, unless `cost_kind` says that it is estimated. `usage` is the object that the tokens were
    read from, as the agent printed it. `cumulative` says that the tokens are those of the whole session,
    not of this call. `denied` names the tools that the agent wanted to use and was not allowed to.
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
    reasoning_tokens: int | None = None
    cost_kind: str | None = None
    error_class: str | None = None
    denied: tuple[str, ...] = ()
    cumulative: bool = False
    usage: JSON = field(default=None, compare=False)

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
            denied=tuple(recordable(name, known) for name in self.denied),
            usage=_masked(self.usage, known),
        )

    def since(self, earlier: Sequence[Attempt]) -> AgentResult:
        """This result with the tokens of this call only; `earlier` are the attempts before in its session.

        A count that is lower than what those used was begun anew by the agent, and is kept as it is.
        """
        if not self.cumulative:
            return self
        before = {name: whole_total([getattr(old, name) or 0 for old in earlier]) or 0 for name in TOKENS}
        counts = {name: getattr(self, name) for name in TOKENS}
        if any(count is not None and count < before[name] for name, count in counts.items()):
            before = dict.fromkeys(TOKENS, 0)
        rest = {name: None if count is None else count - before[name] for name, count in counts.items()}
        return replace(self, cumulative=False, **rest)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, JSON]:
        """This result as a JSON object."""
        return {**asdict(self), "denied": list(self.denied)}

    @classmethod
    def from_json(cls, value: dict[str, JSON]) -> AgentResult:
        """The result that `to_json` was called on; other fields of the object are passed over."""
        known = {name: value[name] for name in cls.__slots__ if name in value}
        denied = known.get("denied")
        return cls(
            **{**known, "denied": tuple(map(str, denied)) if isinstance(denied, list) else ()}  # type: ignore[arg-type]
        )


def whole_total(counts: Sequence[JSON]) -> int | None:
    """The sum of numbers of tokens; None where there are none, where one is odd, or where it is too large."""
    numbers = [int(count) for count in counts if _is_number(count, _MOST_TOKENS) and count == int(count)]
    total = sum(numbers)
    return total if counts and len(numbers) == len(counts) and total <= _MOST_TOKENS else None


def dollars(value: JSON) -> float | None:
    """An amount of dollars."""
    return float(value) if _is_number(value, _MOST_COST) else None


def _is_number(value: JSON, most: float) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def short_name(value: JSON) -> str | None:
    """What can name a session or a model."""
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _MOST_NAME else None


def _masked(usage: JSON, secrets: tuple[str, ...]) -> JSON:
    """A raw object as it is stored; None where it is no small one."""
    try:
        return _clean(usage, secrets) if len(json.dumps(usage)) <= MOST_TEXT else None
    except RecursionError:
        return None


def _clean(value: JSON, secrets: tuple[str, ...]) -> JSON:
    if isinstance(value, dict):
        return {recordable(name, secrets): _clean(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, secrets) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return recordable(value, secrets) if isinstance(value, str) else value
