"""Tables of plain text that fit a width.

Columns are as wide as what they hold. Where that is too much, the flexible ones (titles, messages) are
cut with an ellipsis; where even that does not fit, each row becomes a few lines of `name: value`. Wide
characters count twice, and nothing that could steer a terminal is let through.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_GAP = "  "
_NARROWEST = 10


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, whether it holds numbers (set to the right), whether it may be cut."""

    title: str
    numeric: bool = False
    flexible: bool = False


def lay_out(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines of a table, none wider than `width`; titles first."""
    cells = [[column.title for column in columns], *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(display_width(row[place]) for row in cells) for place in range(len(columns))]
    widths = _shrink(columns, widths, width)
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        return _as_records(cells, width)
    return [_line(columns, row, widths) for row in cells]


def one_line(text: str) -> str:
    """`text` without line breaks and control characters."""
    if text.isprintable():
        return text
    spaced = " ".join(text.split())
    return "".join(char if char.isprintable() else "\ufffd" for char in spaced)


def display_width(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def clip(text: str, width: int) -> str:
    """`text` cut to `width` cells, with an ellipsis where something was cut."""
    if display_width(text) <= width:
        return text
    kept = ""
    room = width - 1
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        kept += char
    return f"{kept}…" if width > 0 else ""


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shrink(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """Take what is too much from the widest flexible column, again and again."""
    shrunk = list(widths)
    excess = sum(shrunk) + len(_GAP) * (len(shrunk) - 1) - width
    while excess > 0:
        places = [place for place, column in enumerate(columns) if column.flexible]
        widest = max(places, key=lambda place: shrunk[place], default=None)
        if widest is None or shrunk[widest] <= _NARROWEST:
            break
        shrunk[widest] -= 1
        excess -= 1
    return shrunk


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        shown = clip(cell, width)
        padding = " " * (width - display_width(shown))
        cells.append(padding + shown if column.numeric else shown + padding)
    return _GAP.join(cells).rstrip()


def _as_records(cells: Sequence[Sequence[str]], width: int) -> list[str]:
    titles, *rows = cells
    lines: list[str] = []
    for row in rows:
        lines += ["-" * min(width, 20)] if lines else []
        lines += [clip(f"{title}: {cell}", width) for title, cell in zip(titles, row, strict=True) if cell]
    return lines
