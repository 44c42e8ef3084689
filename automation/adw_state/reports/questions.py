"""One function per question: ask it of a transaction, get a piece of the report.

The transaction may be on the store's database or on runs read from logs (`log_tables`): the texts in
`queries/reports.sql` are the one definition of every number.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adw_state.built_in import PHASES
from adw_state.clock import format_time, hours_before, parse_time
from adw_state.reports.durations import spread_of
from adw_state.reports.error_patterns import first_line, fold
from adw_state.reports.report import (
    FailureDistribution,
    FailurePattern,
    FunnelStep,
    IssueTypeSuccess,
    Outcomes,
    PhaseAttempts,
    PhaseFailures,
    PhaseFunnel,
    RecentExecution,
    StaleCheckpoints,
    StaleExecution,
)
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.transaction import Row, Transaction

MOST_RECENT = 10
MOST_STALE = 20
_STATUSES = ("completed", "failed", "cancelled", "in_progress", "pending", "unknown")


def success_by_issue_type(tx: Transaction, window: Window) -> tuple[IssueTypeSuccess, ...]:
    """How executions ended, per type of issue; the type with most executions first."""
    found = [IssueTypeSuccess(**dict(row)) for row in _ask(tx, "success_by_issue_type", window)]
    return tuple(sorted(found, key=lambda group: (-group.total, group.issue_type)))


def total_of(groups: Iterable[Outcomes]) -> Outcomes:
    """The groups taken together."""
    listed = list(groups)
    return Outcomes(**{status: sum(getattr(group, status) for group in listed) for status in _STATUSES})


def phase_funnel(tx: Transaction, window: Window) -> PhaseFunnel:
    """How many executions got into and through each phase."""
    at_depth = {row["depth"]: row["executions"] for row in _ask(tx, "phase_funnel", window)}

    def at_least(depth: int) -> int:
        return sum(count for found, count in at_depth.items() if found >= depth)

    steps = (
        FunnelStep(phase, at_least(2 * place + 1), at_least(2 * place + 2))
        for place, phase in enumerate(PHASES)
    )
    return PhaseFunnel(at_least(0), tuple(steps))


def failure_distribution(tx: Transaction, window: Window) -> FailureDistribution:
    """Where and why executions failed."""
    rows = _ask(tx, "failed_executions", window)
    in_phase = dict.fromkeys(PHASES, 0)
    alike: dict[str, list[Row]] = {}
    for row in rows:
        in_phase[row["phase"]] = in_phase.get(row["phase"], 0) + 1
        pattern = fold(row["error_message"], (row["execution_id"], row["issue_id"]))
        alike.setdefault(pattern, []).append(row)
    patterns = sorted(alike.items(), key=lambda item: (-len(item[1]), item[0]))
    return FailureDistribution(
        failures=len(rows),
        by_phase=tuple(PhaseFailures(phase, count) for phase, count in in_phase.items()),
        by_pattern=tuple(_pattern(text, members) for text, members in patterns),
    )


def attempts_by_phase(tx: Transaction, window: Window) -> tuple[PhaseAttempts, ...]:
    """How often each phase was tried, how the tries ended and how long the completed ones took."""
    counts = {row["phase"]: dict(row) for row in _ask(tx, "attempts_by_phase", window)}
    durations: dict[str, list[float]] = {}
    for phase, seconds in tx.tuples(sql.load("reports")["completed_durations"], window.params):
        durations.setdefault(phase, []).append(seconds)
    return tuple(
        PhaseAttempts(
            **{"phase": phase, **counts.get(phase, {})}, durations=spread_of(durations.get(phase, ()))
        )
        for phase in [*PHASES, *sorted(set(counts) - set(PHASES))]
    )


def stale_checkpoints(tx: Transaction, window: Window, threshold_hours: float) -> StaleCheckpoints:
    """Unfinished executions that have been silent too long, whenever they were started."""
    params = {
        "environment": window.environment,
        "silent_since": format_time(hours_before(window.now, threshold_hours)),
        "most": MOST_STALE,
    }
    texts = sql.load("reports")
    counted = tx.one(texts["stale_count"], params)
    rows = tx.all(texts["stale_checkpoints"], params)
    executions, without = (counted["executions"], counted["without_checkpoint"]) if counted else (0, 0)
    return StaleCheckpoints(
        threshold_hours, executions, without, tuple(_stale(row, window.now) for row in rows)
    )


def recent_executions(tx: Transaction, window: Window) -> tuple[RecentExecution, ...]:
    """The newest executions of the window, newest first."""
    params = {**window.params, "most": MOST_RECENT}
    return tuple(_recent(row) for row in tx.all(sql.load("reports")["recent_executions"], params))


def _ask(tx: Transaction, name: str, window: Window) -> list[Row]:
    return tx.all(sql.load("reports")[name], window.params)


def _pattern(pattern: str, newest_first: list[Row]) -> FailurePattern:
    return FailurePattern(
        pattern=pattern,
        failures=len(newest_first),
        phases=tuple(sorted({row["phase"] for row in newest_first}, key=_place)),
        example=first_line(newest_first[0]["error_message"]),
        example_execution_id=newest_first[0]["execution_id"],
    )


def _place(phase: str) -> tuple[int, str]:
    return (PHASES.index(phase) if phase in PHASES else len(PHASES), phase)


def _stale(row: Row, now: datetime) -> StaleExecution:
    seen_at = parse_time(row["last_sign_of_life_at"])
    return StaleExecution(
        execution_id=row["execution_id"],
        issue_id=row["issue_id"],
        issue_title=row["issue_title"],
        issue_type=row["issue_type"],
        phase=row["phase"],
        checkpoint_name=row["checkpoint_name"],
        checkpoint_at=_moment(row["checkpoint_at"]),
        last_sign_of_life_at=seen_at,
        age_hours=(now - seen_at).total_seconds() / 3600,
    )


def _recent(row: Row) -> RecentExecution:
    started_at, completed_at = parse_time(row["started_at"]), _moment(row["completed_at"])
    return RecentExecution(
        execution_id=row["execution_id"],
        issue_id=row["issue_id"],
        issue_title=row["issue_title"],
        issue_type=row["issue_type"],
        status=row["status"],
        phase=row["phase"],
        started_at=started_at,
        completed_at=completed_at,
        duration_seconds=(completed_at - started_at).total_seconds() if completed_at else None,
        attempts=row["attempts"],
        error=first_line(row["error_message"]) if row["status"] == "failed" else None,
    )


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
