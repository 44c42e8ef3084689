"""What a reader of files met and did not count as a fact: counted per subject, never dropped silently."""

from __future__ import annotations

from dataclasses import dataclass

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
