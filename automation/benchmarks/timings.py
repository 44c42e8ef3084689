"""Timing one piece of work many times."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Timings:
    """What the runs of one piece of work took, in milliseconds.

    `p95_ms` is by nearest rank: the smallest time that at least 95 of 100 runs do not exceed. Of fewer
    than 20 runs that is the slowest.
    """

    runs: int
    mean_ms: float
    p95_ms: float


def time_repeatedly(work: Callable[[], object], runs: int) -> Timings:
    """Run the work once to warm up, then `runs` times on the watch."""
    work()
    with no_garbage_collection():
        return summarize([seconds_for(work) for _ in range(runs)])


def seconds_for(work: Callable[[], object]) -> float:
    """How long the work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def summarize(seconds: Sequence[float]) -> Timings:
    """The timings of these runs, at least one."""
    ranked = sorted(seconds)
    p95 = ranked[math.ceil(0.95 * len(ranked)) - 1]
    return Timings(len(ranked), fmean(ranked) * 1000, p95 * 1000)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keep the collector from adding its pauses to whichever run it falls into."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
