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
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, subject: str, example: object = None, *, count: int = 1) -> None:
        """Count `subject` once more."""
        self._counts[subject] = self._counts.get(subject, 0) + count
        if example is not None and subject not in self._examples:
            text = " ".join(str(example).split())
            cut = len(text) > _LONGEST_EXAMPLE
            self._examples[subject] = f"{text[: _LONGEST_EXAMPLE - 1]}…" if cut else text

    def notes(self) -> tuple[Note, ...]:
        """Every subject in alphabetical order."""
        return tuple(
            Note(subject, count, self._examples.get(subject))
            for subject, count in sorted(self._counts.items())
        )


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
