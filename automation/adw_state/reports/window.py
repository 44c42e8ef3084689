"""The window of a question: the executions started in the last so many hours.

Half-open: an execution belongs when started_at >= now - hours, to the microsecond. There is no upper
end, so one that was started this very moment, or on a host whose clock is ahead, belongs too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from adw_state.clock import Clock, default_clock, format_time, hours_before
from adw_state.errors import InvalidInputError


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
