"""The one clock.

Every time that is stored or compared comes from here, as fixed-width UTC text
`YYYY-MM-DDTHH:MM:SS.ffffffZ` (27 characters), so that text order is time order. The clock is passed
in, never reached for, and can be set: `SettableClock` is part of the product, for tests and for
reports that must come out the same twice; `default_clock` says how a process is told.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from adw_state.errors import ConfigurationError, InvalidInputError


class Clock(Protocol):
    """Tells the time and lets time pass."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC, to the microsecond."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait for this many real seconds."""
        time.sleep(seconds)


class ShiftedClock(SystemClock):
    """The machine's clock, some hours fast or slow."""

    def __init__(self, hours: float) -> None:
        self._shift = timedelta(hours=hours)
        self.now()  # a shift out of the calendar is an error here and now

    def now(self) -> datetime:
        """The shifted moment in UTC."""
        return super().now() + self._shift


class SettableClock:
    """A clock that stands still until it is told to move; sleeping moves it."""

    def __init__(self, moment: datetime | str) -> None:
        self._moment = parse_time(moment if isinstance(moment, str) else format_time(moment))
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The moment the clock was last set to."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Move forward at once and remember how long the sleeper asked for."""
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> None:
        """Move the clock forward."""
        self._moment += timedelta(days=days, hours=hours, seconds=seconds)


def default_clock() -> Clock:
    """The clock of a process: the machine's, unless the environment sets another.

    `ADW_NOW` is a time to stand at, `ADW_CLOCK_SHIFT_HOURS` a number of hours to be off by.
    """
    fixed, shift = os.environ.get("ADW_NOW"), os.environ.get("ADW_CLOCK_SHIFT_HOURS")
    try:
        if fixed:
            return SettableClock(fixed)
        if shift:
            return ShiftedClock(float(shift))
    except (InvalidInputError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"the clock cannot be set to ADW_NOW={fixed!r}, ADW_CLOCK_SHIFT_HOURS={shift!r}",
            hint="ADW_NOW is a time such as 2026-11-23T12:00:00Z, ADW_CLOCK_SHIFT_HOURS a number",
        ) from error
    return SystemClock()


def format_time(moment: datetime) -> str:
    """`moment` as stored text; it must be timezone-aware."""
    if moment.tzinfo is None:
        raise InvalidInputError(f"{moment!r} has no time zone", hint="pass a timezone-aware datetime")
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """The moment that a stored or ISO 8601 text names; a text without zone is read as UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"{text!r} is not a time", hint="write it as YYYY-MM-DDTHH:MM:SS.ffffffZ"
        ) from error


def hours_before(moment: datetime, hours: float) -> datetime:
    """The moment `hours` before `moment`, no earlier than the first moment that can be written."""
    return seconds_before(moment, hours * 3600)


def seconds_before(moment: datetime, seconds: float) -> datetime:
    """The moment `seconds` before `moment`, no earlier than the first moment that can be written."""
    try:
        return moment - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
