"""Phases: how far executions got in them, how often each was tried, and how long that took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from adw_state.engine.transaction import Row, Transaction
from adw_state.reports.section import (
    WORD_WIDTH,
    Section,
    Window,
    count_of,
    counts,
    number,
    percent,
    rate,
    seconds,
    table,
)
from adw_state.reports.text_table import Column
from adw_state.store import sql
from adw_state.store.records import decode_phases

_FEWEST_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many executions got into a phase, and through it; `place` is that of the phase, from 1."""

    place: int
    phase: str
    reached: int
    completed: int


@dataclass(frozen=True, slots=True)
class PhaseFunnel:
    """How far the executions of one workflow got, with one list of phases.

    It never grows: an execution that got into a phase got through all before.
    """

    workflow: str
    executions: int
    steps: tuple[FunnelStep, ...]


def phase_funnels(tx: Transaction, window: Window) -> tuple[PhaseFunnel, ...]:
    """How far executions got, per workflow and list of phases; the one with most executions first."""
    at_depth: dict[tuple[str, tuple[str, ...]], Counter[int]] = {}
    for row in tx.all(sql.load("reports")["phase_funnel"], window.params()):
        phases = decode_phases(row["phases"])
        depths = at_depth.setdefault((row["workflow"], phases), Counter())
        depths[_depth(row, phases)] += row["executions"]
    in_order = sorted(at_depth.items(), key=lambda found: (-found[1].total(), found[0]))
    return tuple(_funnel(workflow, phases, depths) for (workflow, phases), depths in in_order)


def _depth(row: Row, phases: tuple[str, ...]) -> int:
    """How deep executions got: 0 nowhere, 2n - 1 into the n-th phase, 2n through it."""
    if row["is_completed"]:
        return 2 * len(phases)
    entered = 2 * phases.index(row["entered"]) + 1 if row["entered"] in phases else 0
    return max(entered, int(row["tried"]))


def _funnel(workflow: str, phases: tuple[str, ...], at_depth: Counter[int]) -> PhaseFunnel:
    def at_least(depth: int) -> int:
        return sum(count for found, count in at_depth.items() if found >= depth)

    steps = (
        FunnelStep(place, phase, at_least(2 * place - 1), at_least(2 * place))
        for place, phase in enumerate(phases, start=1)
    )
    return PhaseFunnel(workflow, at_depth.total(), tuple(steps))


def funnel_section(funnel: PhaseFunnel) -> Section:
    """The phases of a workflow, and how many got into each and through it."""
    return table(
        f"Phase funnel of {funnel.workflow}",
        (f"{count_of(funnel.executions, 'execution')}.",),
        funnel.steps,
        (Column("phase"), lambda step: step.phase),
        *counts("reached"),
        (number("of all"), lambda step: rate(percent(step.reached, funnel.executions))),
        *counts("completed"),
        (number("of all"), lambda step: rate(percent(step.completed, funnel.executions))),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseAttempts:
    """The tries at a phase, and how long the completed ones with a known duration took."""

    phase: str
    executions: int = 0
    attempts: int = 0
    completed: int = 0
    failed: int = 0
    interrupted: int = 0
    in_progress: int = 0
    unknown: int = 0
    durations: Spread

    @property
    def retries(self) -> int:
        """Attempts after the first of their execution at this phase."""
        return self.attempts - self.executions


def attempts_by_phase(tx: Transaction, window: Window) -> tuple[PhaseAttempts, ...]:
    """How often each phase was tried, how the tries ended and how long the completed ones took."""
    durations: dict[str, list[float]] = {}
    for phase, duration in tx.tuples(sql.load("reports")["completed_durations"], window.params()):
        durations.setdefault(phase, []).append(duration)
    return tuple(
        PhaseAttempts(**dict(row), durations=_spread_of(durations.get(row["phase"], ())))
        for row in tx.all(sql.load("reports")["attempts_by_phase"], window.params())
    )


def _spread_of(durations: Iterable[float]) -> Spread:
    """The spread of durations in seconds, in any order."""
    ranked = sorted(durations)
    count = len(ranked)
    if not count:
        return Spread(0, None, None, None)
    median = (ranked[(count - 1) // 2] + ranked[count // 2]) / 2
    p95 = ranked[(95 * count + 99) // 100 - 1] if count >= _FEWEST_FOR_P95 else None
    return Spread(count, median, p95, ranked[-1])


def attempts_section(attempts: tuple[PhaseAttempts, ...]) -> Section:
    """How often each phase was tried."""
    return table(
        "Attempts by phase",
        (),
        attempts,
        (Column("phase", least=WORD_WIDTH), lambda found: found.phase),
        *counts("attempts", "retries", "completed", "failed"),
        *counts("interrupted", optional=True),
        (number("open", optional=True), lambda found: str(found.in_progress)),
        *counts("unknown", optional=True),
    )


def durations_section(attempts: tuple[PhaseAttempts, ...]) -> Section:
    """How long the completed tries took."""
    lacking = any(0 < found.durations.measured < _FEWEST_FOR_P95 for found in attempts)
    why = (f"A p95 is shown from {_FEWEST_FOR_P95} measured attempts on.",) if lacking else ()
    return table(
        "Durations of completed attempts",
        why,
        attempts,
        (Column("phase", least=WORD_WIDTH), lambda found: found.phase),
        (number("measured"), lambda found: str(found.durations.measured)),
        (number("median (s)"), lambda found: seconds(found.durations.median_seconds)),
        (number("p95 (s)"), lambda found: seconds(found.durations.p95_seconds)),
        (number("longest (s)"), lambda found: seconds(found.durations.longest_seconds)),
    )
