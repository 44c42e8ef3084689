"""One function per question: ask it of a transaction, get a piece of the report; and all of them at once.

The transaction may be on the store's database or on runs read from logs (`log_tables`): the texts in
`queries/reports.sql` are the one definition of every number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from adw_state.clock import format_time, hours_before, parse_time
from adw_state.reports.durations import spread_of
from adw_state.reports.error_patterns import first_line, fold
from adw_state.reports.notes import Notebook
from adw_state.reports.report import (
    STATUSES,
    FailureDistribution,
    FailurePattern,
    FunnelStep,
    IssueTypeSuccess,
    Outcomes,
    PhaseAttempts,
    PhaseFailures,
    PhaseFunnel,
    RecentExecution,
    Report,
    Source,
    StaleCheckpoints,
    StaleExecution,
)
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.phase_list import decode_phases
from adw_state.store.transaction import Row, Transaction

MOST_RECENT = 10
MOST_STALE = 20


def whole_report(
    tx: Transaction, window: Window, source: Source, stale_hours: float, notebook: Notebook
) -> Report:
    """Every question asked; the notes are those taken until then."""
    by_issue_type = success_by_issue_type(tx, window)
    return Report(
        window=window,
        source=source,
        outcomes=total_of(by_issue_type),
        by_issue_type=by_issue_type,
        funnels=phase_funnels(tx, window),
        failures=failure_distribution(tx, window),
        attempts=attempts_by_phase(tx, window),
        stale=stale_checkpoints(tx, window, stale_hours),
        recent=recent_executions(tx, window),
        notes=notebook.notes(),
    )


def success_by_issue_type(tx: Transaction, window: Window) -> tuple[IssueTypeSuccess, ...]:
    """How executions ended, per type of issue; the type with most executions first."""
    found = [IssueTypeSuccess(**dict(row)) for row in _ask(tx, "success_by_issue_type", window)]
    return tuple(sorted(found, key=lambda group: (-group.total, group.issue_type)))


def total_of(groups: Iterable[Outcomes]) -> Outcomes:
    """The groups taken together."""
    listed = list(groups)
    return Outcomes(**{status: sum(getattr(group, status) for group in listed) for status in STATUSES})


def phase_funnels(tx: Transaction, window: Window) -> tuple[PhaseFunnel, ...]:
    """How far executions got, per workflow and list of phases; the one with most executions first."""
    at_depth: dict[tuple[str, tuple[str, ...]], Counter[int]] = {}
    for row in _ask(tx, "phase_funnel", window):
        phases = decode_phases(row["phases"])
        depths = at_depth.setdefault((row["workflow"], phases), Counter())
        depths[_depth(row, phases)] += row["executions"]
    in_order = sorted(at_depth.items(), key=lambda found: (-found[1].total(), found[0]))
    return tuple(_funnel(workflow, phases, depths) for (workflow, phases), depths in in_order)


def failure_distribution(tx: Transaction, window: Window) -> FailureDistribution:
    """Where and why executions failed."""
    rows = _ask(tx, "failed_executions", window)
    places: dict[str, int] = {}
    alike: dict[str, list[Row]] = {}
    for row in rows:
        phase, phases = row["phase"], decode_phases(row["phases"])
        place = phases.index(phase) if phase in phases else len(phases)
        places[phase] = min(place, places.get(phase, place))
        pattern = fold(row["error_message"], (row["execution_id"], row["issue_id"]))
        alike.setdefault(pattern, []).append(row)
    in_order = sorted(places, key=lambda phase: (places[phase], phase))
    in_phase = Counter(row["phase"] for row in rows)
    patterns = sorted(alike.items(), key=lambda item: (-len(item[1]), item[0]))
    return FailureDistribution(
        failures=len(rows),
        by_phase=tuple(PhaseFailures(phase, in_phase[phase]) for phase in in_order),
        by_pattern=tuple(_pattern(text, members, in_order) for text, members in patterns),
    )


def attempts_by_phase(tx: Transaction, window: Window) -> tuple[PhaseAttempts, ...]:
    """How often each phase was tried, how the tries ended and how long the completed ones took."""
    durations: dict[str, list[float]] = {}
    for phase, seconds in tx.tuples(sql.load("reports")["completed_durations"], window.params()):
        durations.setdefault(phase, []).append(seconds)
    return tuple(
        PhaseAttempts(**dict(row), durations=spread_of(durations.get(row["phase"], ())))
        for row in _ask(tx, "attempts_by_phase", window)
    )


def stale_checkpoints(tx: Transaction, window: Window, threshold_hours: float) -> StaleCheckpoints:
    """Unfinished executions that have been silent too long, whenever they were started."""
    params = {
        "environment": window.environment,
        "silent_since": format_time(hours_before(window.now, threshold_hours)),
        "most": MOST_STALE,
    }
    rows = tx.all(sql.load("reports")["stale_checkpoints"], params)
    executions, without = (rows[0]["executions"], rows[0]["without_checkpoint"]) if rows else (0, 0)
    newest = tuple(_stale(row, window) for row in rows)
    return StaleCheckpoints(threshold_hours, executions, without, newest)


def recent_executions(tx: Transaction, window: Window) -> tuple[RecentExecution, ...]:
    """The newest executions of the window, newest first."""
    params = {**window.params(), "most": MOST_RECENT}
    rows = tx.all(sql.load("reports")["recent_executions"], params)
    return tuple(RecentExecution(**{**_values(row), "error": first_line(row["error"])}) for row in rows)


def _ask(tx: Transaction, name: str, window: Window) -> list[Row]:
    return tx.all(sql.load("reports")[name], window.params())


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


def _pattern(pattern: str, newest_first: list[Row], in_order: list[str]) -> FailurePattern:
    return FailurePattern(
        pattern=pattern,
        failures=len(newest_first),
        phases=tuple(sorted({row["phase"] for row in newest_first}, key=in_order.index)),
        example=first_line(newest_first[0]["error_message"]),
        example_execution_id=newest_first[0]["execution_id"],
    )


def _stale(row: Row, window: Window) -> StaleExecution:
    silence = window.now - parse_time(row["last_sign_of_life_at"])
    values = {name: value for name, value in _values(row).items() if name in StaleExecution.__slots__}
    return StaleExecution(**values, age_hours=silence.total_seconds() / 3600)


def _values(row: Row) -> dict[str, Any]:
    """The columns by name; those that end in _at are times."""
    return {
        name: parse_time(row[name]) if name.endswith("_at") and row[name] else row[name]
        for name in row.keys()  # noqa: SIM118 - a row without keys() gives its values
    }
