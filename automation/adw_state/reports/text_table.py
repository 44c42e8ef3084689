"""Tables of plain text that fit a width.

Columns are as wide as what they hold. Where that is too much, those of titles and messages are cut
with an ellipsis; where even that does not fit, dispensable columns go, and at last each row becomes a few
lines of `name: value`. An id is never cut: a part of it names nothing. Wide characters count twice, and
nothing that could steer a terminal gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from adw_state.visible_text import one_line

_GAP = "  "


class Column(NamedTuple):
    """A column: its title, and whether it holds numbers (set to the right).

    One with a `least` width may be cut down to it; one without is always shown whole. An `optional` one
    is left out where it holds nothing but zeros, `dispensable` ones where the table would not fit
    otherwise, the last first.
    """

    title: str
    numeric: bool = False
    least: int | None = None
    optional: bool = False
    dispensable: bool = False


def lay_out(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    paint: Callable[[str], str] = str,
) -> list[str]:
    """The lines of a table, titles first; none is wider than `width`, unless it holds one cell that is whole.

    `paint` may put colours around a cell of a row.
    """
    columns, rows = _only(_worth_showing(columns, rows), columns, rows)
    cells = [[column.title for column in columns], *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(display_width(row[place]) for row in cells) for place in range(len(columns))]
    widths = _shrink(columns, widths, width)
    if _total(widths) <= width:
        titles, *rest = cells
        return [_line(columns, titles, widths, str), *(_line(columns, row, widths, paint) for row in rest)]
    dispensable = [place for place, column in enumerate(columns) if column.dispensable]
    if dispensable:
        others = [place for place in range(len(columns)) if place != dispensable[-1]]
        return lay_out(*_only(others, columns, rows), width, paint=paint)
    return _as_records(columns, cells[1:], width, paint)


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


def _worth_showing(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        place
        for place, column in enumerate(columns)
        if not column.optional or any(row[place] != "0" for row in rows)
    ]


def _only(
    places: Sequence[int], columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> tuple[list[Column], list[list[str]]]:
    return [columns[place] for place in places], [[row[place] for place in places] for row in rows]


def _cells(char: str) -> int:
    import unicodedata  # loaded for texts beyond ASCII only

    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shrink(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """Take what is too much from the widest column that may be cut, again and again."""
    shrunk = list(widths)
    cuttable = [(place, column.least) for place, column in enumerate(columns) if column.least is not None]
    for _ in range(_total(shrunk) - width):
        places = [place for place, least in cuttable if shrunk[place] > least]
        if not places:
            break
        shrunk[max(places, key=shrunk.__getitem__)] -= 1
    return shrunk


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(
    columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], paint: Callable[[str], str]
) -> str:
    cells = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        shown = clip(cell, width)
        padding = " " * (width - display_width(shown))
        cells.append(padding + paint(shown) if column.numeric else paint(shown) + padding)
    return _GAP.join(cells).rstrip()


def _as_records(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, paint: Callable[[str], str]
) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += ["-" * min(width, 20)] if lines else []
        for column, cell in zip(columns, row, strict=True):
            lines += _named(column, cell, width, paint) if cell else []
    return lines


def _named(column: Column, cell: str, width: int, paint: Callable[[str], str]) -> list[str]:
    room = width - display_width(column.title) - len(": ")
    if column.least is None and display_width(cell) > room:
        return [f"{column.title}:", f"{_GAP}{paint(cell)}"]
    return [f"{column.title}: {paint(clip(cell, room))}"]
