"""The funnel never grows, whatever rows are in the tables, sensible or not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adw_state.clock import SettableClock
from adw_state.reports.analysis import get_phase_funnel
from adws.tests.conftest import NOW

PHASES = ("plan", "build", "review")
ENDED = ("completed", "failed", "cancelled")
PHASE = st.sampled_from(PHASES)
ROW = st.tuples(
    PHASE,
    st.sampled_from(("pending", "in_progress", *ENDED)),
    st.lists(
        st.tuples(PHASE, st.sampled_from(("in_progress", "completed", "failed", "interrupted"))), max_size=4
    ),
)


def depth_by_hand(phase: str, status: str, attempts: list[tuple[str, str]]) -> int:
    """How deep an execution got: 0 nowhere, 2n-1 into the n-th phase, 2n through it."""
    traces = [2 * PHASES.index(tried) + (2 if end == "completed" else 1) for tried, end in attempts]
    if status == "completed":
        traces.append(6)
    elif status != "pending":
        traces.append(2 * PHASES.index(phase) + 1)
    return max(traces, default=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=st.lists(ROW, max_size=8))
def test_the_funnel_is_what_counting_by_hand_gives_and_never_grows(
    sidecar_template: Path, rows: list[tuple[str, str, list[tuple[str, str]]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.sqlite3")
        shutil.copyfile(sidecar_template, path)
        with closing(sqlite3.connect(path)) as connection, connection:
            for number, (phase, status, attempts) in enumerate(rows):
                insert(connection, f"run-{number}", phase, status, attempts)
        funnel = get_phase_funnel(path, 1, clock=SettableClock(NOW))
    depths = [depth_by_hand(*row) for row in rows]
    assert funnel.executions == len(rows)
    levels = []
    for place, step in enumerate(funnel.steps):
        assert step.reached == sum(depth >= 2 * place + 1 for depth in depths)
        assert step.completed == sum(depth >= 2 * place + 2 for depth in depths)
        levels += [step.reached, step.completed]
    assert levels == sorted(levels, reverse=True)


def insert(
    connection: sqlite3.Connection, run_id: str, phase: str, status: str, attempts: list[tuple[str, str]]
) -> None:
    connection.execute(
        "INSERT INTO adw_executions"
        " (id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at, completed_at)"
        " VALUES (?, 'demo-1', 'adw_sdlc', 'local', ?, ?, ?, ?, ?, ?)",
        (run_id, json.dumps(PHASES), phase, status, NOW, NOW, NOW if status in ENDED else None),
    )
    for number, (tried, end) in enumerate(attempts, start=1):
        connection.execute(
            "INSERT INTO adw_phase_attempts"
            " (execution_id, phase, place, attempt, status, started_at, finished_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run_id, tried, PHASES.index(tried) + 1, number, end, NOW, None if end == "in_progress" else NOW),
        )
