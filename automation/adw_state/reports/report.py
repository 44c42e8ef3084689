"""The report about one window, from either backend, and some of its questions alone.

`analyze` is what the commands call. The three `get_…` functions answer one question from a database, for
programs. A database is read through the manager, so it is reconciled with the tracker first, and a file that
must not be opened is refused.

Counts are whole numbers of executions or attempts; rates are in percent, times in seconds or hours, as
the name says. None stands for "there is nothing to compute it from", never for zero.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from adw_state import built_in
from adw_state.clock import Clock
from adw_state.engine.transaction import Transaction
from adw_state.errors import DatabaseError, InvalidInputError, NotMigratedError
from adw_state.recovery.opening import open_project
from adw_state.reports.executions import (
    IssueTypeSuccess,
    Outcomes,
    RecentExecution,
    StaleCheckpoints,
    issue_type_section,
    outcomes_section,
    recent_executions,
    recent_section,
    stale_checkpoints,
    stale_section,
    success_by_issue_type,
    total_of,
)
from adw_state.reports.failures import FailureDistribution, failure_distribution, failure_sections
from adw_state.reports.phases import (
    PhaseAttempts,
    PhaseFunnel,
    attempts_by_phase,
    attempts_section,
    durations_section,
    funnel_section,
    phase_funnels,
)
from adw_state.reports.reading import Note, Notebook, notes_section
from adw_state.reports.run_files import RunFolders, read_runs, tables_of
from adw_state.reports.section import Section, Window, last_hours, parse_hours
from adw_state.run_root import agents_folder, logs_folder
from adw_state.state import BeadsStateManager
from adw_state.store import sql

if TYPE_CHECKING:
    from adw_state.trackers.tracker import Location

SCHEMA = "adw.report/2"
BACKENDS = ("json", "database")
_ARCHIVED = "executions of this window in the archive, not counted"

Answer = TypeVar("Answer")
PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the numbers come from. `backend` is database or json; log times are whole seconds."""

    backend: str
    locations: tuple[str, ...]
    time_resolution_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Every answer about one window, in one value."""

    window: Window
    source: Origin
    outcomes: Outcomes
    by_issue_type: tuple[IssueTypeSuccess, ...]
    funnels: tuple[PhaseFunnel, ...]
    failures: FailureDistribution
    attempts: tuple[PhaseAttempts, ...]
    stale: StaleCheckpoints
    recent: tuple[RecentExecution, ...]
    notes: tuple[Note, ...]


def get_success_rate_by_issue_type(
    db_path: PathLike, hours: float, *, clock: Clock | None = None, environment: str | None = None
) -> tuple[IssueTypeSuccess, ...]:
    """How the executions started in the last `hours` stand, per type of issue, largest group first."""
    return _ask(success_by_issue_type, db_path, hours, clock, environment)


def get_phase_funnel(
    db_path: PathLike, hours: float, *, clock: Clock | None = None, environment: str | None = None
) -> tuple[PhaseFunnel, ...]:
    """How far the executions started in the last `hours` got, per workflow and its list of phases."""
    return _ask(phase_funnels, db_path, hours, clock, environment)


def get_failure_distribution(
    db_path: PathLike, hours: float, *, clock: Clock | None = None, environment: str | None = None
) -> FailureDistribution:
    """Where and why the executions started in the last `hours` failed."""
    return _ask(failure_distribution, db_path, hours, clock, environment)


def report_from_database(
    db_path: PathLike,
    window: Window,
    *,
    stale_hours: float = built_in.STALE_HOURS,
    clock: Clock | None = None,
) -> Report:
    """The report from the executions in a database, all of it from one picture of the data."""
    with BeadsStateManager(db_path, clock=clock) as state:
        return _report_of(state, window, stale_hours)


def _report_of(state: BeadsStateManager, window: Window, stale_hours: float) -> Report:
    def unit(tx: Transaction) -> Report:
        notebook = Notebook()
        row = tx.one(sql.load("reports")["archived_in_window"], window.params())
        if row and row["executions"]:
            notebook.add(_ARCHIVED, count=row["executions"])
        return _whole_report(tx, window, Origin("database", (state.path,), 1e-06), stale_hours, notebook)

    return state.read(unit)


def report_from_files(
    folders: RunFolders, window: Window, *, stale_hours: float = built_in.STALE_HOURS
) -> Report:
    """The report from logs and JSON states."""
    notebook = Notebook()
    runs = read_runs(folders, notebook)
    if window.environment is not None:
        elsewhere = [run.run_id for run in runs if run.environment is None]
        if elsewhere:
            notebook.add("runs without an environment, not counted", elsewhere[0], count=len(elsewhere))
    roots = dict.fromkeys(path for path in (folders.log_root, folders.agents_root) if path)
    locations = tuple(map(str, roots))
    with tables_of(runs, window.now, notebook) as tx:
        source = Origin("json", locations, 1.0)
        return _whole_report(tx, window, source, stale_hours, notebook)


def analyze(
    backend: str,
    *,
    hours: float | str = 24,
    environment: str | None = None,
    stale_hours: float | str = built_in.STALE_HOURS,
    db_path: PathLike | None = None,
    log_root: Path | None = None,
    clock: Clock | None = None,
) -> Report:
    """The report of one backend: `database`, or `json` for logs and JSON states.

    Without `db_path` and `log_root` the project around the current folder is used: the database that
    the tracker's place decides, or the logs and JSON states of its runs. Raises `InvalidInputError`
    and the kinds of `DatabaseError`.
    """
    window = last_hours(hours, clock=clock, environment=environment)
    silence = parse_hours(stale_hours)
    if backend == "database":
        if db_path is not None:
            return report_from_database(db_path, window, stale_hours=silence, clock=clock)
        with open_project(_prepared_project(), clock) as state:
            return _report_of(state, window, silence)
    if backend == "json":
        return report_from_files(_run_folders(log_root), window, stale_hours=silence)
    raise InvalidInputError(
        f"{backend!r} is not a backend", hint=f"the backends are {' and '.join(BACKENDS)}"
    )


def _whole_report(
    tx: Transaction, window: Window, source: Origin, stale_hours: float, notebook: Notebook
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


def _ask(
    question: Callable[[Transaction, Window], Answer],
    db_path: PathLike,
    hours: float,
    clock: Clock | None,
    environment: str | None,
) -> Answer:
    window = last_hours(hours, clock=clock, environment=environment)
    with BeadsStateManager(db_path, clock=clock) as state:
        return state.read(lambda tx: question(tx, window))


def _prepared_project() -> Location:
    from adw_state.trackers.locate import locate

    location = locate()
    if not location.database_exists():
        raise NotMigratedError(
            f"there is no state for {location.project} yet",
            hint="run `adw init` once; `--backend json` reads logs and JSON states without it",
        )
    return location


def _run_folders(log_root: Path | None) -> RunFolders:
    if log_root is None:
        project = project_folder()
        return RunFolders(logs_folder(project), agents_folder(project))
    if not log_root.is_dir():
        raise InvalidInputError(f"{log_root} is not a folder", hint="name the folder that holds the logs")
    # A root that holds a project's whole automation folder has logs and states side by side.
    return RunFolders(log_root, log_root)


def project_folder() -> Path:
    """The project around the current folder: home of its logs and states."""
    from adw_state.trackers.locate import locate
    from adw_state.trackers.repository import find_repository

    try:
        return locate().project
    except DatabaseError:  # logs can be read beside a database that cannot
        repository = find_repository(Path.cwd(), os.environ)
        return repository.project if repository else Path.cwd()


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
