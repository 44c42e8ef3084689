"""The funnel never grows, whatever phases a workflow has and whatever rows are in the tables."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from adw_state.clock import SettableClock
from adw_state.reports.report import get_phase_funnel
from adws.tests.conftest import NOW

ENDED = ("completed", "failed", "cancelled")
NAMES = ("plan", "build", "test", "review", "ship")


class Row(NamedTuple):
    """An execution, and its attempts by phase and status."""

    workflow: str
    phases: list[str]
    phase: str
    status: str
    attempts: list[tuple[str, str]]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    phases = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    phase = st.sampled_from(phases)
    ends = st.sampled_from(("in_progress", "completed", "failed", "interrupted"))
    return Row(
        draw(st.sampled_from(("adw_sdlc", "thorough"))),
        phases,
        draw(st.sampled_from((*phases, "nowhere"))),
        draw(st.sampled_from(("pending", "in_progress", "waiting", *ENDED))),
        draw(st.lists(st.tuples(phase, ends), max_size=4)),
    )


def depth_by_hand(row: Row) -> int:
    """How deep an execution got: 0 nowhere, 2n-1 into the n-th phase, 2n through it."""
    place = {phase: number for number, phase in enumerate(row.phases, start=1)}
    traces = [2 * place[tried] - (0 if end == "completed" else 1) for tried, end in row.attempts]
    if row.status == "completed":
        traces.append(2 * len(row.phases))
    elif row.status != "pending" and row.phase in place:
        traces.append(2 * place[row.phase] - 1)
    return max(traces, default=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=st.lists(rows(), max_size=8))
def test_each_funnel_is_what_counting_by_hand_gives_and_never_grows(
    sidecar_template: Path, rows: list[Row]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.sqlite3")
        shutil.copyfile(sidecar_template, path)
        with closing(sqlite3.connect(path)) as connection, connection:
            for number, row in enumerate(rows):
                insert(connection, f"run-{number}", row)
        funnels = get_phase_funnel(path, 1, clock=SettableClock(NOW))
    assert sum(funnel.executions for funnel in funnels) == len(rows)
    for funnel in funnels:
        phases = [step.phase for step in funnel.steps]
        depths = [depth_by_hand(row) for row in rows if row[:2] == (funnel.workflow, phases)]
        assert funnel.executions == len(depths) > 0
        levels = []
        for place, step in enumerate(funnel.steps, start=1):
            assert step.place == place
            assert step.reached == sum(depth >= 2 * place - 1 for depth in depths)
            assert step.completed == sum(depth >= 2 * place for depth in depths)
            levels += [step.reached, step.completed]
        assert levels == sorted(levels, reverse=True)


def insert(connection: sqlite3.Connection, run_id: str, row: Row) -> None:
    connection.execute(
        "INSERT INTO adw_executions (id, issue_id, workflow, environment, phases, phase, status,"
        " waiting_for, started_at, updated_at, completed_at)"
        " VALUES (?, 'demo-1', ?, 'local', ?, ?, ?, ?, ?, ?, ?)",
        (
            run_id,
            row.workflow,
            json.dumps(row.phases),
            row.phase,
            row.status,
            "person" if row.status == "waiting" else None,
            NOW,
            NOW,
            NOW if row.status in ENDED else None,
        ),
    )
    for number, (tried, end) in enumerate(row.attempts, start=1):
        connection.execute(
            "INSERT INTO adw_phase_attempts"
            " (execution_id, phase, place, attempt, status, started_at, finished_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                run_id,
                tried,
                row.phases.index(tried) + 1,
                number,
                end,
                NOW,
                None if end == "in_progress" else NOW,
            ),
        )
