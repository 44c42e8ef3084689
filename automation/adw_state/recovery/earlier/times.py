"""What the times of the earlier implementation mean.

It let SQLite write the start (`YYYY-MM-DD HH:MM:SS`, UTC) and Python the end (`datetime.now()` in ISO
form, local time without a zone). So a text with a `T` and no zone is local time, in the zone of the
machine that upgrades the database; every other text without a zone is UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A moment in UTC; `offset` is what local time was taken to be off UTC by (`-0800`), where it was."""

    moment: datetime
    offset: str | None = None


def read_time(value: object, zone: tzinfo | None, *, not_before: datetime | None = None) -> ReadTime | None:
    """The moment that a stored value names; None where it names none.

    `zone` is that of local times, by default the machine's. In the hour that summer time's end repeats,
    the first of the two moments is meant unless it lies before `not_before`.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        written = datetime.fromisoformat(text)
        if written.tzinfo is not None:
            return ReadTime(written.astimezone(UTC))
        if "T" not in text:
            return ReadTime(written.replace(tzinfo=UTC))
        read = _local(written, zone)
        if not_before is not None and read.moment < not_before:
            second = _local(written.replace(fold=1), zone)
            return second if second.moment >= not_before else read
    except (ValueError, OverflowError, OSError):
        return None
    return read


def _local(written: datetime, zone: tzinfo | None) -> ReadTime:
    local = written.astimezone() if zone is None else written.replace(tzinfo=zone)
    return ReadTime(local.astimezone(UTC), local.strftime("%z"))
