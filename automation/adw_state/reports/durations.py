"""Median, p95 and longest of many durations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations spread, in seconds, over the `measured` ones; None where there are none.

    The median of an even number is the mean of the two in the middle. The p95 is by nearest rank: the
    smallest duration that at least 95 of 100 do not exceed. Of fewer than 20 that would only be the
    longest, so there is none.
    """

    measured: int
    median_seconds: float | None
    p95_seconds: float | None
    longest_seconds: float | None


def spread_of(durations: Iterable[float]) -> Spread:
    """The spread of durations in seconds, in any order."""
    ranked = sorted(durations)
    count = len(ranked)
    if not count:
        return Spread(0, None, None, None)
    median = (ranked[(count - 1) // 2] + ranked[count // 2]) / 2
    p95 = ranked[(95 * count + 99) // 100 - 1] if count >= FEWEST_FOR_P95 else None
    return Spread(count, median, p95, ranked[-1])
