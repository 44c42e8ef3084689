"""What an agent is: a command, with the prompt on standard input and the result on standard output.

A `Kind` is the data of one that is known by the name of its program: the words that are ours to say, how it
is told which session to begin or to resume, and the class that reads its output.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from adw_state.agents.reading import PlainReading, Reading
from adw_state.agents.result import short_name
from adw_state.errors import InvalidInputError

_MODEL_FLAGS = ("-m", "--model")


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
    come before the id of a session; one that has no `begin` chooses it itself. `model` comes before the name
    of a model. `formats` are the flags that choose the form of its output, with the forms that `reading`
    understands. `unknown_session` is what it complains of where it has no such session.
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
    model: tuple[str, ...] = ()
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
        value = _value_of((*_MODEL_FLAGS, "model"), self.given)
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

    def with_model(self, model: str) -> Agent:
        """The same agent with this model, whichever its words named before.

        Raises `InvalidInputError` where it is not known how the agent is told one.
        """
        if not self.kind.model:
            raise InvalidInputError(
                f"it is not known how the agent {self.name} is told its model, here {model!r}",
                hint="write the model into the agent's own command line, and leave out the setting `model`",
            )
        return replace(self, given=(*_without(_MODEL_FLAGS, self.given), *self.kind.model, model))

    def new_reading(self) -> Reading:
        """What reads the output of one call."""
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


def _without(flags: Sequence[str], words: Sequence[str]) -> list[str]:
    """The words without these flags and their values."""
    kept, is_value = list[str](), False
    for word in words:
        name, equals, _ = word.partition("=")
        if not is_value and name not in flags:
            kept.append(word)
        is_value = not is_value and name in flags and not equals
    return kept
