"""What the sections of a report have in common.

A section has its records, its question, and how people see it. A question is about the executions that were
started in a window, the last so many hours: started_at >= now - hours, to the microsecond. There is no upper
end, so one that was started this very moment, or on a host whose clock is ahead, belongs too.

The transaction may be on the store's database or on runs read from logs (`run_files`): the texts in
`queries/reports.sql` are the one definition of every number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from adw_state.clock import Clock, default_clock, format_time, hours_before, parse_time
from adw_state.engine.transaction import Row
from adw_state.errors import InvalidInputError
from adw_state.reports.text_table import Column

# Narrower than these a cell says nothing.
WORD_WIDTH, TEXT_WIDTH = 6, 12

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Window:
    """Which executions a question is about. `environment` None means every environment."""

    hours: float
    since: datetime
    now: datetime
    environment: str | None

    def params(self) -> dict[str, object]:
        """The window as parameters of a query."""
        return {"since": format_time(self.since), "environment": self.environment}


def last_hours(hours: float | str, *, clock: Clock | None = None, environment: str | None = None) -> Window:
    """The window of the last `hours` before the clock's now. Raises `InvalidInputError`."""
    now = (clock or default_clock()).now()
    length = parse_hours(hours)
    return Window(length, hours_before(now, length), now, environment)


def parse_hours(hours: float | str) -> float:
    """`hours` as a number above 0 that is not infinite. Raises `InvalidInputError`."""
    try:
        number = float(hours)
    except (ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InvalidInputError(
            f"hours must be a number above 0, not {str(hours)[:40]!r}", hint="for example 24, 168 or 0.5"
        )
    return number


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, and a table where there is something to list."""

    heading: str
    sentences: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()


def percent(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent; None where the whole is 0."""
    return 100.0 * part / whole if whole else None


def values_of(row: Row) -> dict[str, Any]:
    """The columns by name; those that end in _at are times."""
    return {
        name: parse_time(row[name]) if name.endswith("_at") and row[name] else row[name]
        for name in row.keys()  # noqa: SIM118 - a row without keys() gives its values
    }


def table(
    heading: str,
    sentences: tuple[str, ...],
    records: Iterable[Record],
    *columns: tuple[Column, Callable[[Record], str]],
) -> Section:
    """A section with a row for each record; a column comes with what it shows of one."""
    rows = [tuple(cell(record) for _, cell in columns) for record in records]
    if not rows:
        return Section(heading, (*sentences, "Nothing is recorded."))
    return Section(heading, sentences, tuple(column for column, _ in columns), rows)


def counts(*names: str, optional: bool = False) -> Iterator[tuple[Column, Callable[[object], str]]]:
    """Columns of numbers that are called as the records call them."""
    for name in names:
        yield number(name, optional=optional), partial(_text_of, name)


def _text_of(name: str, record: object) -> str:
    return str(getattr(record, name))


def number(title: str, *, optional: bool = False) -> Column:
    """A column of numbers."""
    return Column(title, numeric=True, optional=optional)


def count_of(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rate(rate: float | None) -> str:
    """A rate in percent, in words."""
    return "-" if rate is None else f"{rate:.1f} %"


def seconds(duration: float | None) -> str:
    """A duration in seconds, in words."""
    return "-" if duration is None else f"{duration:.1f}"
