"""How the hot queries are answered: by looking things up, never by reading a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.store import sql

PARAMS = {
    "since": "2026-11-22T12:00:00.000000Z",
    "silent_since": "2026-11-22T12:00:00.000000Z",
    "environment": "local",
    "most": 20,
}
# The cohort by its start, unfinished runs by their status, and what belongs to one run by that run.
LOOKED_UP = {
    "success_by_issue_type": ["SEARCH e USING COVERING INDEX idx_adw_executions_started (started_at>?)"],
    "phase_funnel": [
        "SEARCH e USING COVERING INDEX idx_adw_executions_started (started_at>?)",
        "SEARCH a USING COVERING INDEX idx_adw_phase_attempts_report (execution_id=? AND phase=?)",
    ],
    "failed_executions": ["SEARCH e USING INDEX idx_adw_executions_started (started_at>?)"],
    "attempts_by_phase": [
        "SEARCH e USING COVERING INDEX idx_adw_executions_started (started_at>?)",
        "SEARCH a USING COVERING INDEX idx_adw_phase_attempts_report (execution_id=?)",
    ],
    "completed_durations": [
        "SEARCH e USING COVERING INDEX idx_adw_executions_started (started_at>?)",
        "SEARCH a USING COVERING INDEX idx_adw_phase_attempts_report (execution_id=?)",
    ],
    "recent_executions": [
        "SEARCH e USING INDEX idx_adw_executions_started (started_at>?)",
        "SEARCH a USING COVERING INDEX idx_adw_phase_attempts_report (execution_id=?)",
    ],
    "stale_checkpoints": [
        "SEARCH e USING INDEX idx_executions_status (status=?)",
        "SEARCH c USING INDEX idx_checkpoints_execution (execution_id=? AND seq=?) LEFT-JOIN",
        "SEARCH n USING COVERING INDEX idx_checkpoints_execution (execution_id=?)",
        "SEARCH a USING INDEX idx_adw_phase_attempts_report (execution_id=?)",
    ],
    "stale_count": [
        "SEARCH e USING INDEX idx_executions_status (status=?)",
        "SEARCH c USING COVERING INDEX idx_checkpoints_execution (execution_id=?)",
        "SEARCH c USING INDEX idx_checkpoints_execution (execution_id=?)",
        "SEARCH a USING INDEX idx_adw_phase_attempts_report (execution_id=?)",
    ],
}
# The archive is read through, once per report and only for its number.
READ_THROUGH = {"archived_in_window"}


@pytest.fixture(scope="module")
def connection(sidecar_template: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{sidecar_template}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection


def plan(connection: sqlite3.Connection, text: str) -> list[str]:
    """The steps of the plan that touch a table."""
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", PARAMS)]
    return [step for step in steps if step.startswith(("SEARCH", "SCAN"))]


def test_every_query_of_the_reports_has_its_plan_here() -> None:
    assert set(LOOKED_UP) | READ_THROUGH == set(sql.load("reports"))


@pytest.mark.parametrize("name", LOOKED_UP)
def test_a_report_looks_up_what_it_needs(connection: sqlite3.Connection, name: str) -> None:
    steps = plan(connection, sql.load("reports")[name])
    assert {step for step in steps if " USING " in step} == set(LOOKED_UP[name])
    # d, r, t and the like are results of subqueries; e, a, c and n are the tables.
    assert not {"SCAN e", "SCAN a", "SCAN c", "SCAN n"} & set(steps)


@pytest.mark.parametrize(
    ("view", "steps"),
    [
        ("recent_failures", ["SEARCH e USING INDEX idx_executions_status (status=? AND completed_at>?)"]),
        (
            "stale_checkpoints",
            [
                "SEARCH e USING INDEX idx_executions_status (status=?)",
                "SEARCH c USING INDEX idx_checkpoints_execution (execution_id=? AND seq=?)",
                "SEARCH n USING COVERING INDEX idx_checkpoints_execution (execution_id=?)",
                # The last sign of life stands in the WHERE, in a column and in the age.
                *["SEARCH a USING INDEX idx_adw_phase_attempts_report (execution_id=?)"] * 3,
            ],
        ),
    ],
)
def test_a_view_looks_up_what_it_needs(connection: sqlite3.Connection, view: str, steps: list[str]) -> None:
    assert plan(connection, f"SELECT * FROM {view}") == steps
