"""How far executions got: for each workflow and list of phases a funnel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from adw_state.reports.section import Section, count_of, counts, number, percent, rate, table
from adw_state.reports.text_table import Column
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.phase_list import decode_phases
from adw_state.store.transaction import Row, Transaction


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
