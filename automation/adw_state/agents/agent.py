"""What an agent is, and what it answered.

An agent is a command: prompt on standard input, result on standard output, in the folder that it works in.
A `Kind` is the data of one that is known by the name of its program: the words that are ours to say, how it
is told which session to begin or to resume, and the class that reads its output. What stands beside an
answer (session, model, tokens, cost) and has an odd value is not known; that is no reason to refuse the
answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, TypeGuard

from adw_state.redaction import recordable, redact
from adw_state.store.json_values import JSON
from adw_state.store.records import Attempt

if TYPE_CHECKING:
    from adw_state.agents.reading import Reading

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


@dataclass(frozen=True, slots=True)
class Ours:
    """Words that we say to an agent, unless the user says one of `unless` or the first of the words."""

    words: tuple[str, ...]
    unless: tuple[str, ...] = ()

    def beside(self, names: frozenset[str]) -> tuple[str, ...]:
        """The words that are said beside the user's, whose names these are."""
        return () if names & {self.words[0], *self.unless} else self.words


@dataclass(frozen=True, slots=True)
class Kind:
    """An agent that is known by the name of its program.

    The command is `program *sub *always *edits-or-reads *the-user's *session *last`. `begin` and `resume`
    come before the id of a session; one that has no `begin` chooses it itself. `formats` are the flags that
    choose the form of its output, with the forms that `reading` understands. `unknown_session` is what it
    complains of where it has no such session.
    """

    name: str
    reading: type[Reading]
    edits: Ours | None = None
    reads: Ours | None = None
    sub: tuple[str, ...] = ()
    always: tuple[Ours, ...] = ()
    last: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    understood: frozenset[str] = frozenset()
    unknown_session: re.Pattern[str] | None = None

    def agent(self, program: str, given: Sequence[str]) -> Agent:
        """The agent that is this program with these words of the user."""
        words = tuple(given[len(self.sub) :] if tuple(given[: len(self.sub)]) == self.sub else given)
        form = _value_of(self.formats, words)
        return Agent(self, program, words, is_plain=form is not None and form not in self.understood)


@dataclass(frozen=True, slots=True)
class Agent:
    """A command that does the work of a phase, with the user's words. `is_plain`: they chose plain text."""

    kind: Kind
    program: str
    given: tuple[str, ...]
    is_plain: bool = False

    @property
    def name(self) -> str:
        """What the agent is called in the record."""
        return self.kind.name

    @property
    def model(self) -> str | None:
        """The model that the user's words name, for agents whose output names none."""
        if not self.kind.always:
            return None  # what -m means to a command that nothing is known of, nobody knows
        value = _value_of(("-m", "--model", "model"), self.given)
        return short_name(None if value is None else value.strip("'\""))

    @property
    def chooses_session(self) -> bool:
        """Whether it is told which session to begin."""
        return bool(self.kind.begin) and self._may_name_session

    @property
    def resumes(self) -> bool:
        """Whether it can be told to resume a session."""
        return bool(self.kind.resume) and self._may_name_session

    def command_for(self, kind: str, begin: str | None = None, resume: str | None = None) -> tuple[str, ...]:
        """The command line for a kind of phase, in the session that is begun or resumed."""
        names, ours = _names(self.given), self.kind.reads if kind == "verdict" else self.kind.edits
        known = (*self.kind.always, *(() if ours is None else (ours,)))
        session: tuple[str, ...] = ()
        if resume is not None:
            session = (*self.kind.resume, resume)
        elif begin is not None:
            session = (*self.kind.begin, begin)
        return (
            self.program,
            *self.kind.sub,
            *(word for one in known for word in one.beside(names)),
            *self.given,
            *session,
            *self.kind.last,
        )

    def new_reading(self) -> Reading:
        """What reads the output of one call."""
        from adw_state.agents.any_command import PlainReading  # it reads with the classes of every kind

        return PlainReading() if self.is_plain else self.kind.reading()

    def does_not_know_session(self, complaint: str) -> bool:
        """Whether this is how it says that it has no such session."""
        pattern = self.kind.unknown_session
        return pattern is not None and pattern.search(complaint) is not None

    @property
    def _may_name_session(self) -> bool:
        return not _names(self.given) & set(self.kind.sessions)


def _names(words: Sequence[str]) -> frozenset[str]:
    """The names of flags and settings among words: `--model=x` and `sandbox_mode=x` without their value."""
    return frozenset(word.partition("=")[0] for word in words if word.startswith("-") or "=" in word)


def _value_of(flags: Sequence[str], words: Sequence[str]) -> str | None:
    """The value of the last of these flags."""
    value = None
    for place, word in enumerate(words):
        name, equals, rest = word.partition("=")
        if name in flags:
            value = rest if equals else next(iter(words[place + 1 : place + 2]), None)
    return value
