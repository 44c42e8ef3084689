"""What an agent is: a command, and the way to understand what it prints; and what it answered.

What stands beside an answer (session, model, tokens, cost) and has an odd value is not known; that is no
reason to refuse the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypeAlias, TypeGuard

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


def read_plain(output: Path, secrets: Iterable[str] = ()) -> AgentResult:  # noqa: ARG001 - asked as the others
    """An agent's output file as its answer: all that it printed, whole and as it was said."""
    return AgentResult(text=output.read_text(encoding="utf-8", errors="replace").strip())


def whole_total(counts: list[JSON]) -> int | None:
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


Reader: TypeAlias = Callable[[Path, Iterable[str]], AgentResult]
"""Understands an agent's output file; the answer comes back whole and as it was said.

Raises `AgentOutputError`, with these secrets masked, when there is no answer in it.
"""


@dataclass(frozen=True, slots=True)
class Agent:
    """A command that does the work of a phase: prompt on standard input, result on standard output.

    `reading_command` is used where the agent judges, and changes nothing. `read` understands its output;
    `says_when_done` where no answer is found in the output of an agent that was cut off.
    """

    name: str
    command: tuple[str, ...]
    reading_command: tuple[str, ...]
    read: Reader
    says_when_done: bool

    def command_for(self, kind: str) -> tuple[str, ...]:
        """The command line for a kind of phase."""
        return self.reading_command if kind == "verdict" else self.command
