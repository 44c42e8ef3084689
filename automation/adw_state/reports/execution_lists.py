"""Executions one by one: those that have been silent for long, and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw_state.clock import format_time, hours_before, parse_time
from adw_state.reports.failures import first_line
from adw_state.reports.section import (
    TEXT_WIDTH,
    WORD_WIDTH,
    Section,
    count_of,
    number,
    seconds,
    table,
    values_of,
)
from adw_state.reports.text_table import Column
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.transaction import Row, Transaction

MOST_RECENT = 10
MOST_STALE = 20
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class StaleExecution:
    """An unfinished execution that has been silent, and its newest checkpoint if it saved one."""

    execution_id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    phase: str
    checkpoint_name: str | None
    checkpoint_at: datetime | None
    last_sign_of_life_at: datetime
    age_hours: float


@dataclass(frozen=True, slots=True)
class StaleCheckpoints:
    """Unfinished executions silent for more than `threshold_hours`, whenever they were started.

    `executions` counts all of them, `without_checkpoint` those that have nothing to go on from;
    `newest` lists those seen last.
    """

    threshold_hours: float
    executions: int
    without_checkpoint: int
    newest: tuple[StaleExecution, ...]


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


def _stale(row: Row, window: Window) -> StaleExecution:
    silence = window.now - parse_time(row["last_sign_of_life_at"])
    values = {name: value for name, value in values_of(row).items() if name in StaleExecution.__slots__}
    return StaleExecution(**values, age_hours=silence.total_seconds() / 3600)


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
