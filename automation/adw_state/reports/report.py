"""What a report says: the value that both backends make and every renderer prints.

Counts are whole numbers of executions or attempts; rates are in percent, times in seconds or hours, as
the name says. None stands for "there is nothing to compute it from", never for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw_state.reports.durations import Spread
from adw_state.reports.window import Window

SCHEMA = "adw.report/2"


def percent(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent; None where the whole is 0."""
    return 100.0 * part / whole if whole else None


STATUSES = ("completed", "failed", "cancelled", "in_progress", "waiting", "pending", "unknown")


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
        return sum(getattr(self, status) for status in STATUSES)

    @property
    def success_rate_percent(self) -> float | None:
        """Completed of all, whatever their status."""
        return percent(self.completed, self.total)

    @property
    def finished_success_rate_percent(self) -> float | None:
        """Completed of those that ended as completed or failed."""
        return percent(self.completed, self.completed + self.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTypeSuccess(Outcomes):
    """The outcomes of the executions on one type of issue; 'unknown' where the type is not recorded."""

    issue_type: str


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


@dataclass(frozen=True, slots=True)
class PhaseFailures:
    """How many executions ended as failed in a phase."""

    phase: str
    failures: int


@dataclass(frozen=True, slots=True)
class FailurePattern:
    """Failures whose messages agree once ids, paths and numbers are folded; the newest is the example."""

    pattern: str
    failures: int
    phases: tuple[str, ...]
    example: str | None
    example_execution_id: str


@dataclass(frozen=True, slots=True)
class FailureDistribution:
    """Where and why executions failed; both lists add up to `failures`, most frequent pattern first."""

    failures: int
    by_phase: tuple[PhaseFailures, ...]
    by_pattern: tuple[FailurePattern, ...]


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


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader of the files met and did not count as a fact, how often, with an example."""

    subject: str
    count: int
    example: str | None


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
