"""Executions: how they ended, all of them and per type of issue; those that are silent; the newest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from adw_state.clock import format_time, hours_before
from adw_state.engine.transaction import Transaction
from adw_state.reports.failures import first_line
from adw_state.reports.section import (
    TEXT_WIDTH,
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
    values_of,
)
from adw_state.reports.text_table import Column
from adw_state.store import sql
from adw_state.store.summary import StaleCheckpoint, stale_from_row

MOST_RECENT = 10
MOST_STALE = 20
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How a group of executions stands. `unknown` is an execution whose record tells no outcome."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    in_progress: int = 0
    waiting: int = 0
    pending: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Every execution of the group."""
        return sum(getattr(self, status) for status in _STATUSES)

    @property
    def success_rate_percent(self) -> float | None:
        """Completed of all, whatever their status."""
        return percent(self.completed, self.total)

    @property
    def finished_success_rate_percent(self) -> float | None:
        """Completed of those that ended as completed or failed."""
        return percent(self.completed, self.completed + self.failed)


_STATUSES = tuple(field.name for field in fields(Outcomes))


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTypeSuccess(Outcomes):
    """The outcomes of the executions on one type of issue; 'unknown' where the type is not recorded."""

    issue_type: str


def success_by_issue_type(tx: Transaction, window: Window) -> tuple[IssueTypeSuccess, ...]:
    """How executions ended, per type of issue; the type with most executions first."""
    rows = tx.all(sql.load("reports")["success_by_issue_type"], window.params())
    found = [IssueTypeSuccess(**dict(row)) for row in rows]
    return tuple(sorted(found, key=lambda group: (-group.total, group.issue_type)))


def total_of(groups: Iterable[Outcomes]) -> Outcomes:
    """The groups taken together."""
    listed = list(groups)
    return Outcomes(**{status: sum(getattr(group, status) for group in listed) for status in _STATUSES})


def outcomes_section(found: Outcomes) -> Section:
    """How many ended how."""
    numbers = {status: getattr(found, status) for status in _STATUSES}
    listed = ", ".join(f"{count} {_in_words(status)}" for status, count in numbers.items() if count)
    finished = found.completed + found.failed
    return Section(
        "Outcomes",
        (
            f"{count_of(found.total, 'execution')}: {listed}.",
            f"Success rate: {rate(found.success_rate_percent)} of all {found.total},"
            f" {rate(found.finished_success_rate_percent)} of the {finished} completed or failed.",
        ),
    )


def _in_words(status: str) -> str:
    return "with unknown outcome" if status == "unknown" else status.replace("_", " ")


def issue_type_section(groups: tuple[IssueTypeSuccess, ...]) -> Section:
    """The same per type of issue."""
    return table(
        "Success rate by issue type",
        (),
        groups,
        (Column("type", least=WORD_WIDTH), lambda group: group.issue_type),
        *counts("total", "completed", "failed"),
        *counts("cancelled", optional=True),
        (
            number("unfinished", optional=True),
            lambda group: str(group.in_progress + group.waiting + group.pending),
        ),
        *counts("unknown", optional=True),
        (number("success"), lambda group: rate(group.success_rate_percent)),
        (number("of finished"), lambda group: rate(group.finished_success_rate_percent)),
    )


@dataclass(frozen=True, slots=True)
class StaleCheckpoints:
    """Unfinished executions silent for more than `threshold_hours`, whenever they were started.

    `executions` counts all of them, `without_checkpoint` those that have nothing to go on from;
    `newest` lists those seen last.
    """

    threshold_hours: float
    executions: int
    without_checkpoint: int
    newest: tuple[StaleCheckpoint, ...]


def stale_checkpoints(tx: Transaction, window: Window, threshold_hours: float) -> StaleCheckpoints:
    """Unfinished executions that have been silent too long, whenever they were started."""
    silent_since = format_time(hours_before(window.now, threshold_hours))
    params = {"environment": window.environment, "silent_since": silent_since, "most": MOST_STALE}
    rows = tx.all(sql.load("reports")["stale_checkpoints"], params)
    executions, without = (rows[0]["executions"], rows[0]["without_checkpoint"]) if rows else (0, 0)
    newest = tuple(stale_from_row(row, window.now) for row in rows)
    return StaleCheckpoints(threshold_hours, executions, without, newest)


def stale_section(found: StaleCheckpoints) -> Section:
    """Those that were seen last."""
    threshold = f"{found.threshold_hours:g}"
    if not found.executions:
        return Section(
            "Stale checkpoints", (f"No unfinished execution is silent for more than {threshold} h.",)
        )
    sentence = (
        f"{count_of(found.executions, 'unfinished execution')} silent for more than {threshold} h,"
        f" {found.without_checkpoint} without a checkpoint; whenever started, last seen first."
    )
    rest = found.executions - _MOST_SHOWN
    more = (f"{rest} that were last seen earlier are left out here.",) if rest > 0 else ()
    return table(
        "Stale checkpoints",
        (sentence, *more),
        found.newest[:_MOST_SHOWN],
        (Column("execution"), lambda run: run.execution_id),
        (Column("issue"), lambda run: run.issue_id),
        (Column("title", least=TEXT_WIDTH, dispensable=True), lambda run: run.issue_title or ""),
        (Column("phase"), lambda run: run.phase),
        (Column("newest checkpoint", least=TEXT_WIDTH), lambda run: run.checkpoint_name or "none"),
        (number("silent (h)"), lambda run: f"{run.age_hours:.1f}"),
    )


@dataclass(frozen=True, slots=True)
class RecentExecution:
    """One execution of the window, as a line of the report."""

    execution_id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    workflow: str
    status: str
    phase: str
    started_at: datetime
    completed_at: datetime | None
    attempts: int
    error: str | None

    @property
    def duration_seconds(self) -> float | None:
        """From its start to its end."""
        return (self.completed_at - self.started_at).total_seconds() if self.completed_at else None


def recent_executions(tx: Transaction, window: Window) -> tuple[RecentExecution, ...]:
    """The newest executions of the window, newest first."""
    params = {**window.params(), "most": MOST_RECENT}
    rows = tx.all(sql.load("reports")["recent_executions"], params)
    return tuple(RecentExecution(**{**values_of(row), "error": first_line(row["error"])}) for row in rows)


def recent_section(runs: tuple[RecentExecution, ...]) -> Section:
    """One line for each."""
    return table(
        "Recent executions, newest first, times in UTC",
        (),
        runs,
        (Column("started"), lambda run: f"{run.started_at:%m-%d %H:%M}"),
        (Column("execution"), lambda run: run.execution_id),
        (Column("issue"), lambda run: run.issue_id),
        (Column("status"), lambda run: run.status),
        (Column("phase", least=WORD_WIDTH, dispensable=True), lambda run: run.phase),
        (Column("type", least=WORD_WIDTH, dispensable=True), lambda run: run.issue_type or "unknown"),
        (Column("took (s)", numeric=True, dispensable=True), lambda run: seconds(run.duration_seconds)),
        (Column("title or error", least=TEXT_WIDTH), lambda run: run.error or run.issue_title or ""),
    )
