"""How commands print: tables that fit the terminal, JSON with a named shape, times in plain words.

On a terminal tables are drawn by rich; elsewhere they are plain columns, which are also what
`NO_COLOR` and a dumb terminal get. Nothing here decides what is shown.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from adws.adw_modules.answers.text_table import Column, lay_out
from adws.adw_modules.clock import format_time

_PLAIN_WIDTH = 160
_NARROWEST = 10


def print_json(schema: str, **content: object) -> None:
    """Print one JSON object; `schema` names its shape, such as `adw.list/1`."""
    shape = {"schema": schema, **{name: _plain(value) for name, value in content.items()}}
    click.echo(json.dumps(shape, indent=2, ensure_ascii=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, flexible: Sequence[str] = ()
) -> None:
    """Print rows under their columns; a table without rows says so in words.

    Where the terminal is too narrow, the columns named in `flexible` are cut.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if _fancy():
        _print_rich(title, columns, cells, flexible)
        return
    width = os.get_terminal_size().columns if sys.stdout.isatty() else _PLAIN_WIDTH
    layout = [
        Column(name, least=max(len(name), _NARROWEST) if name in flexible else None) for name in columns
    ]
    click.echo(title)
    for line in lay_out(layout, cells, width - 2) if cells else ["(none)"]:
        click.echo(f"  {line}".rstrip())


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


def progress_wanted() -> bool:
    """Whether somebody watches: progress is shown on a terminal only."""
    return sys.stderr.isatty() and not os.environ.get("CI")


def _fancy() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print_rich(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], flexible: Sequence[str]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        shortest = None if column in flexible else len(column)
        table.add_column(column, overflow="ellipsis", no_wrap=True, min_width=shortest)
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console().print(table if rows else Text.assemble((title, "bold"), "\n  (none)"))


_STYLES = {"completed": "green", "failed": "red", "in_progress": "cyan", "interrupted": "yellow", "NO": "red"}


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return " ".join(str(value).split())


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(item) for name, item in asdict(value).items()}
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Path):
        return str(value)
    return value
