"""The report: the value that both backends make and every renderer prints, and how it is put together.

Counts are whole numbers of executions or attempts; rates are in percent, times in seconds or hours, as
the name says. None stands for "there is nothing to compute it from", never for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw_state.reports.execution_lists import (
    RecentExecution,
    StaleCheckpoints,
    recent_executions,
    recent_section,
    stale_checkpoints,
    stale_section,
)
from adw_state.reports.failures import FailureDistribution, failure_distribution, failure_sections
from adw_state.reports.funnels import PhaseFunnel, funnel_section, phase_funnels
from adw_state.reports.notes import Note, Notebook, notes_section
from adw_state.reports.outcomes import (
    IssueTypeSuccess,
    Outcomes,
    issue_type_section,
    outcomes_section,
    success_by_issue_type,
    total_of,
)
from adw_state.reports.phase_attempts import (
    PhaseAttempts,
    attempts_by_phase,
    attempts_section,
    durations_section,
)
from adw_state.reports.section import Section
from adw_state.reports.window import Window
from adw_state.store.transaction import Transaction

SCHEMA = "adw.report/2"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the numbers come from. `backend` is database or json; log times are whole seconds."""

    backend: str
    locations: tuple[str, ...]
    time_resolution_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Every answer about one window, in one value."""

    window: Window
    source: Source
    outcomes: Outcomes
    by_issue_type: tuple[IssueTypeSuccess, ...]
    funnels: tuple[PhaseFunnel, ...]
    failures: FailureDistribution
    attempts: tuple[PhaseAttempts, ...]
    stale: StaleCheckpoints
    recent: tuple[RecentExecution, ...]
    notes: tuple[Note, ...]


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


def sections_of(report: Report) -> list[Section]:
    """The sections in the order in which they are read; what has nothing to say stays away."""
    if report.outcomes.total == 0:
        body: list[Section] = [
            Section("Outcomes", ("No executions were started in this window.",)),
            stale_section(report.stale),
        ]
    else:
        body = [
            outcomes_section(report.outcomes),
            issue_type_section(report.by_issue_type),
            *map(funnel_section, report.funnels),
            *failure_sections(report.failures),
            attempts_section(report.attempts),
            durations_section(report.attempts),
            stale_section(report.stale),
            recent_section(report.recent),
        ]
    return [*body, notes_section(report.notes)] if report.notes else body


def title_of(report: Report) -> str:
    """What the report is about, in one line."""
    window = report.window
    where = f"environment {window.environment}" if window.environment else "every environment"
    return f"Executions started in the last {window.hours:g} h, {where}"


def origin_of(report: Report) -> str:
    """When the report was made, from what, and where its window begins."""
    window, source = report.window, report.source
    kind = "database" if source.backend == "database" else "logs and JSON states"
    return (
        f"At {_time(window.now)} UTC, since {_time(window.since)} UTC,"
        f" from the {kind} in {' and '.join(source.locations)}"
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes").partition("+")[0]
