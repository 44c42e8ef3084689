"""Which issue has which id now, from the tracker's `renamed` events.

An event says that the issue with one id got another. Ids are used again: `bd renumber` takes every
issue through a temporary id to one that another issue may have had a moment before. So events are
followed in order, per issue, and only the outcome counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Renamed:
    """What a series of renames comes to.

    `moves` leads from the id that an issue had before all events to the one that it has after them.
    `gone` are ids, as before all events, whose issue had lost them to another issue without a rename:
    that issue was deleted, and what still names it must not pass to the other.
    """

    moves: dict[str, str]
    gone: frozenset[str]


def follow(renames: Iterable[tuple[str, str]]) -> Renamed:
    """The outcome of (old id, new id) events, oldest first, for issues known before all of them."""
    holder: dict[
        str, str | None
    ] = {}  # an id given by an event: which issue has it (None: an issue unknown before)
    current: dict[str, str] = {}  # a known issue that was renamed: its id now
    gone: set[str] = set()

    def issue_with(issue_id: str) -> str | None:
        if issue_id in holder:
            return holder[issue_id]
        return None if issue_id in current or issue_id in gone else issue_id

    for old, new in renames:
        if old == new:
            continue
        issue, former = issue_with(old), issue_with(new)
        if former is not None:
            gone.add(former)
            current.pop(former, None)
        holder.pop(old, None)
        holder[new] = issue
        if issue is not None:
            current[issue] = new
    return Renamed({old: new for old, new in current.items() if old != new}, frozenset(gone))


class TimedRenames:
    """Renames with their times, for runs of which nobody knows which events they had seen."""

    def __init__(self, renames: Iterable[tuple[str, str, datetime | None]]) -> None:
        self._of_id: dict[str, list[tuple[int, str, datetime]]] = {}
        for position, (old, new, at) in enumerate(renames):
            if at is not None:
                self._of_id.setdefault(old, []).append((position, new, at))

    def present_id(self, issue_id: str, first_start: datetime, last_start: datetime) -> str | None:
        """The id now of an issue whose runs began between two moments; None if that is not certain.

        Only renames after the last of the runs count (the tracker writes whole seconds); one between
        the first and the last says that not all of them belong to the same issue.
        """
        since = last_start.replace(microsecond=0)
        if any(first_start <= at < since for _, _, at in self._of_id.get(issue_id, ())):
            return None
        present, position = issue_id, -1
        while step := self._next(present, position, since):
            position, present = step
        return present if present != issue_id else None

    def _next(self, issue_id: str, position: int, since: datetime) -> tuple[int, str] | None:
        later = (
            (place, new)
            for place, new, at in self._of_id.get(issue_id, ())
            if place > position and at >= since
        )
        return next(later, None)


def read_time(text: object) -> datetime | None:
    """The moment that a time of the tracker's names, in any of its shapes that Python reads; else None."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
