"""What the readers of other people's files share: fields that make sense, and notes of what does not.

What was met and not counted as a fact is counted per subject, never dropped silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from adw_state.reports.section import TEXT_WIDTH, Section, counts, table
from adw_state.reports.text_table import Column

_LONGEST_EXAMPLE = 120


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader of the files met and did not count as a fact, how often, with an example."""

    subject: str
    count: int
    example: str | None


class Notebook:
    """Counts remarks by subject and keeps the first example of each."""

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}

    def add(self, subject: str, example: object = None, *, count: int = 1) -> None:
        """Count `subject` once more."""
        met = self._notes.get(subject, Note(subject, 0, None))
        kept = met.example
        if kept is None and example is not None:
            text = " ".join(str(example).split())
            kept = text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"
        self._notes[subject] = Note(subject, met.count + count, kept)

    def notes(self) -> tuple[Note, ...]:
        """Every subject in alphabetical order."""
        return tuple(self._notes[subject] for subject in sorted(self._notes))


def notes_section(notes: tuple[Note, ...]) -> Section:
    """Each subject with its example."""
    return table(
        "Not understood or not counted",
        (),
        notes,
        *counts("count"),
        (Column("what", least=TEXT_WIDTH), lambda note: note.subject),
        (Column("example", least=TEXT_WIDTH), lambda note: note.example or ""),
    )


def text_in(state: Mapping[str, object], *names: str) -> str | None:
    """The first of these fields that holds a text that is not blank, or a whole number; else None."""
    for name in names:
        value = state.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def free_text_in(state: Mapping[str, object], *names: str) -> str | None:
    """The first of these fields that holds a text, as it stands there; else an empty one."""
    texts = [value for name in names if isinstance(value := state.get(name), str)]
    return next(filter(None, texts), texts[0] if texts else None)


def issue_type_in(state: Mapping[str, object]) -> str | None:
    """The issue's type; some teams write it as the slash command that it chose."""
    name = text_in(state, "issue_type", "issue_class")
    return name.removeprefix("/") or None if name else None


def moment_in(state: Mapping[str, object], zone: tzinfo | None, *names: str) -> datetime | None:
    """The first of these fields that holds a time, in UTC; one without a zone is of `zone`, None is here."""
    for name in names:
        text = state.get(name)
        if not isinstance(text, str):
            continue
        try:
            moment = datetime.fromisoformat(text)
            local = moment.replace(tzinfo=zone) if moment.tzinfo is None and zone else moment
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
