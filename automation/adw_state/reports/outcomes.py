"""How executions ended: all of them, and per type of issue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adw_state.reports.section import WORD_WIDTH, Section, count_of, counts, number, percent, rate, table
from adw_state.reports.text_table import Column
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.transaction import Transaction

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


def success_by_issue_type(tx: Transaction, window: Window) -> tuple[IssueTypeSuccess, ...]:
    """How executions ended, per type of issue; the type with most executions first."""
    found = [
        IssueTypeSuccess(**dict(row))
        for row in tx.all(sql.load("reports")["success_by_issue_type"], window.params())
    ]
    return tuple(sorted(found, key=lambda group: (-group.total, group.issue_type)))


def total_of(groups: Iterable[Outcomes]) -> Outcomes:
    """The groups taken together."""
    listed = list(groups)
    return Outcomes(**{status: sum(getattr(group, status) for group in listed) for status in STATUSES})


def outcomes_section(found: Outcomes) -> Section:
    """How many ended how."""
    numbers = {status: getattr(found, status) for status in STATUSES}
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
        (number("unfinished", optional=True), lambda group: str(_unfinished(group))),
        *counts("unknown", optional=True),
        (number("success"), lambda group: rate(group.success_rate_percent)),
        (number("of finished"), lambda group: rate(group.finished_success_rate_percent)),
    )


def _unfinished(group: Outcomes) -> int:
    return group.in_progress + group.waiting + group.pending
