"""Tables of plain text that fit a width.

Columns are as wide as what they hold. Where that is too much, those of titles and messages are cut
with an ellipsis; where even that does not fit, dispensable columns go, and at last each row becomes a few
lines of `name: value`. An id is never cut: a part of it names nothing. Wide characters count twice, and
nothing that could steer a terminal gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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


class _Shown(NamedTuple):
    column: Column
    cells: list[str]


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
    cells = [[one_line(cell) for cell in row] for row in rows]
    shown = [
        _Shown(column, [row[place] for row in cells])
        for place, column in enumerate(columns)
        if not column.optional or any(row[place] != "0" for row in rows)
    ]
    while _total(widths := _widths(shown, width)) > width:
        dispensable = [one for one in shown if one.column.dispensable]
        if not dispensable:
            return list(_as_records(shown, width, paint))
        shown.remove(dispensable[-1])
    titles = _line(((column.title, column) for column, _ in shown), widths, str)
    return [titles, *(_line(row, widths, paint) for row in _rows(shown))]


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
    import unicodedata  # loaded for texts beyond ASCII only

    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _widths(shown: Sequence[_Shown], width: int) -> list[int]:
    """As wide as what is shown; what is too much is taken from the widest column that may be cut."""
    widths = [max(map(display_width, (column.title, *cells))) for column, cells in shown]
    cuttable = [(place, one.column.least) for place, one in enumerate(shown) if one.column.least is not None]
    for _ in range(_total(widths) - width):
        places = [place for place, least in cuttable if widths[place] > least]
        if not places:
            break
        widths[max(places, key=widths.__getitem__)] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _rows(shown: Sequence[_Shown]) -> Iterator[list[tuple[str, Column]]]:
    columns = [column for column, _ in shown]
    for row in zip(*(cells for _, cells in shown), strict=True):
        yield list(zip(row, columns, strict=True))


def _line(row: Iterable[tuple[str, Column]], widths: Sequence[int], paint: Callable[[str], str]) -> str:
    cells = []
    for (cell, column), width in zip(row, widths, strict=True):
        text = clip(cell, width)
        padding = " " * (width - display_width(text))
        cells.append(padding + paint(text) if column.numeric else paint(text) + padding)
    return _GAP.join(cells).rstrip()


def _as_records(shown: Sequence[_Shown], width: int, paint: Callable[[str], str]) -> Iterator[str]:
    for number, row in enumerate(_rows(shown)):
        if number:
            yield "-" * min(width, 20)
        for cell, column in row:
            room = width - display_width(column.title) - len(": ")
            if not cell:
                continue
            if column.least is None and display_width(cell) > room:
                yield from (f"{column.title}:", f"{_GAP}{paint(cell)}")
            else:
                yield f"{column.title}: {paint(clip(cell, room))}"
