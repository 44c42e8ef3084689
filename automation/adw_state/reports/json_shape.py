"""The report as JSON, `"schema": "adw.report/1"`: a promise to other programs.

Fields may be added within a version; none is renamed, removed or given another meaning. Times are UTC
text `YYYY-MM-DDTHH:MM:SS.ffffffZ`, units stand in the names, null means "nothing to compute it from".
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypeAlias

from adw_state.reports.report import SCHEMA, Outcomes, PhaseAttempts, Report, percent

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def report_as_json(report: Report) -> dict[str, Json]:
    """The report as values that JSON has."""
    window, failures = report.window, report.failures
    return {
        "schema": SCHEMA,
        "generated_at": _plain(window.now),
        "window": {
            "hours": window.hours,
            "since": _plain(window.since),
            "environment": window.environment,
        },
        "source": _fields(report.source),
        "outcomes": outcomes_as_json(report.outcomes),
        "by_issue_type": [
            {"issue_type": group.issue_type, **outcomes_as_json(group)} for group in report.by_issue_type
        ],
        "funnel": {
            "executions": report.funnel.executions,
            "steps": [
                {
                    **_fields(step),
                    "reached_percent": percent(step.reached, report.funnel.executions),
                    "completed_percent": percent(step.completed, report.funnel.executions),
                }
                for step in report.funnel.steps
            ],
        },
        "failures": {
            "failures": failures.failures,
            "by_phase": [_fields(group) for group in failures.by_phase],
            "by_pattern": [_fields(group) for group in failures.by_pattern],
        },
        "attempts": [_attempts(found) for found in report.attempts],
        "stale": _fields(report.stale),
        "recent": [_fields(run) for run in report.recent],
        "notes": [_fields(note) for note in report.notes],
    }


def outcomes_as_json(found: Outcomes) -> dict[str, Json]:
    """Counts and rates of a group of executions."""
    return {
        "total": found.total,
        "completed": found.completed,
        "failed": found.failed,
        "cancelled": found.cancelled,
        "in_progress": found.in_progress,
        "pending": found.pending,
        "unknown": found.unknown,
        "success_rate_percent": found.success_rate_percent,
        "finished_success_rate_percent": found.finished_success_rate_percent,
    }


def _attempts(found: PhaseAttempts) -> dict[str, Json]:
    counts = _fields(found)
    del counts["durations"]
    return {**counts, "retries": found.retries, **_fields(found.durations)}


def _fields(record: object) -> dict[str, Json]:
    return {name: _plain(value) for name, value in asdict(record).items()}  # type: ignore[call-overload]


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a report holds a {type(value).__name__}")
