"""The one place that prints: lines, errors, tables that fit the terminal, JSON with a named shape.

Whatever comes from outside is made visible here (`visible_text`), so a title or an agent's complaint can
neither steer the terminal nor forge a line. Colours are for terminals only, and not where `NO_COLOR` is set
or the terminal is a dumb one. What cannot be printed is dropped (`standard_streams`); nothing here raises.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from adw_state.clock import format_time
from adw_state.reports.text_table import Column, lay_out
from adw_state.text_files import path_text
from adw_state.visible_text import one_line, visible, visible_json, visible_lines

_PLAIN_WIDTH = 160
_NARROWEST = 10
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1"}
_STATUS_COLOURS = {
    "completed": "green",
    "failed": "red",
    "in_progress": "cyan",
    "interrupted": "yellow",
    "NO": "red",
    "ok": "green",
    "warning": "yellow",
    "error": "red",
}


def print_line(text: str = "", *, colours: Mapping[str, str] | None = None) -> None:
    """Print a message. Should it have more lines, they are indented, so none can pass for another message.

    On a terminal its first word gets the colour that `colours` has for it.
    """
    line = _message(text)
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    if colours and word in colours and _coloured(sys.stdout):
        line = line.replace(word, _paint(word, colours[word]), 1)
    _write(sys.stdout, f"{line}\n")


def print_part(text: str) -> None:
    """Print a part of a line, which the next part or line goes on with."""
    _write(sys.stdout, visible(text))


def print_error(text: str) -> None:
    """Print an error or a warning, on standard error."""
    _write(sys.stderr, f"{_message(text)}\n")


def print_text(text: str) -> None:
    """Print a text that is finished: it was laid out, and made visible, by whoever made it."""
    _write(sys.stdout, text)


def print_raw(text: str) -> None:
    """Print what a file or another program says: as it is, or on a terminal with what cannot be seen escaped.

    Bytes that are not UTF-8 stand in `text` as surrogates, and come out as they were.
    """
    if sys.stdout.isatty():
        _write(sys.stdout, "\n".join(visible_lines(text)))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.buffer.flush()


def print_json(schema: str, **content: object) -> None:
    """Print one JSON object; `schema` names its shape, such as `adw.list/1`."""
    shape = {"schema": schema, **{name: _plain(value) for name, value in content.items()}}
    print_text(visible_json(shape, indent=2, ascii_only=ascii_wanted()) + "\n")


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    flexible: Sequence[str] = (),
    dispensable: Sequence[str] = (),
) -> None:
    """Print rows under their columns; a table without rows says so in words.

    Where the terminal is too narrow, the columns named in `flexible` are cut, and then those named in
    `dispensable` are left out.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    layout = [
        Column(
            name,
            least=max(len(name), _NARROWEST) if name in flexible else None,
            dispensable=name in dispensable,
        )
        for name in columns
    ]
    coloured = _coloured(sys.stdout)
    lines = (
        lay_out(layout, cells, line_width() - 2, paint=_paint_status if coloured else str)
        if cells
        else ["(none)"]
    )
    heading = _message(title)
    print_text("\n".join([_paint(heading, "bold") if coloured else heading, *_indented(lines)]) + "\n")


def print_progress(text: str) -> None:
    """Show what is being done on one line of the terminal, instead of what it showed before."""
    _write(sys.stderr, f"\r\x1b[K{visible(text)}")


def progress_wanted() -> bool:
    """Whether somebody watches: progress is shown on a terminal only."""
    return sys.stderr.isatty() and not os.environ.get("CI")


def line_width(plain: int = _PLAIN_WIDTH) -> int:
    """How many cells a line may take: those of the terminal, or `plain` where that is none."""
    if not sys.stdout.isatty():
        return plain
    import shutil  # knows COLUMNS, and terminals that do not know their size

    return shutil.get_terminal_size().columns


def styles_wanted() -> bool:
    """Whether what is printed may hold colours and bold words."""
    return _coloured(sys.stdout)


def age(then: datetime | None, now: datetime) -> str:
    """How long ago `then` was, in the largest unit that fits: 12 s, 5 min, 3.2 h, 4 d."""
    if then is None:
        return "-"
    seconds = max(0.0, (now - then).total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} d"


def seconds(value: float | None) -> str:
    """A duration in seconds or minutes."""
    if value is None:
        return "-"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def ascii_wanted() -> bool:
    """Whether JSON must do with ASCII, because the encoding of standard output lacks characters."""
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def _message(text: str) -> str:
    return "\n    ".join(visible_lines(text))


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def _paint_status(cell: str) -> str:
    return _paint(cell, _STATUS_COLOURS[cell]) if cell in _STATUS_COLOURS else cell


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}".rstrip() for line in lines]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "NO"
    text = one_line(str(value))
    # What the encoding lacks is replaced before the columns are measured.
    return _carried(text, sys.stdout.encoding) if ascii_wanted() else text


def _carried(text: str, encoding: str | None) -> str:
    known = encoding or "ascii"
    return text.encode(known, "backslashreplace").decode(known)


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Path):
        return path_text(value)
    return value
