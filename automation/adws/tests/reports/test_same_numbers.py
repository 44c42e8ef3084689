"""The same runs give the same numbers, whether they are read from the database or from files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adw_state.clock import SettableClock
from adw_state.reports.report import Report
from adw_state.state import BeadsStateManager, IssueSnapshot
from adws.tests.conftest import NOW
from adws.tests.reports.twins import TwinRun, Twins

PHASES = ("plan", "build", "review")
WORKFLOWS = {
    "adw_sdlc": PHASES,
    "thorough": ("plan", "build", "smoke-test", "review", "document"),
    "a: b": ("review", "build"),
}
ANSWERS = [field.name for field in fields(Report) if field.name not in ("source", "notes")]
MESSAGES = (
    "3 tests failed in app/login.py",
    "agent ended with exit code 1\nTraceback (most recent call last):\n  File 'x.py', line 3",
    "",
    "no room left on device",
)

ENDS = ("completed", "completed", "failed", "interrupted", "killed", "sent_back")
# How one attempt ends, and how long it takes in whole seconds, which is what logs can tell.
ATTEMPT = st.tuples(st.sampled_from(ENDS), st.integers(0, 7200))
RUN = st.fixed_dictionaries(
    {
        "workflow": st.sampled_from(sorted(WORKFLOWS)),
        "issue_type": st.sampled_from([None, "bug", "feature"]),
        "environment": st.sampled_from(["local", "ci"]),
        "attempts": st.lists(ATTEMPT, max_size=8),
        "message": st.sampled_from(MESSAGES),
        "saves": st.booleans(),
        "pause": st.integers(0, 30 * 3600),
    }
)


def act(twins: Twins, plan: dict[str, Any], number: int) -> None:
    """Let a run happen; it is resumed after everything but a completed attempt and one that is sent back."""
    phases = WORKFLOWS[plan["workflow"]]
    run = twins.begin(
        f"demo-{number}",
        issue=IssueSnapshot(f"Title {number}", plan["issue_type"], number),
        environment=plan["environment"],
        workflow=plan["workflow"],
        phases=phases,
    )
    done, broken = 0, False
    for end, seconds in plan["attempts"]:
        if done == len(phases):
            break
        if broken:
            run.resume()
        run.start(phases[done])
        if plan["saves"]:
            run.save(f"step_{done}")
        run.work(seconds)
        broken = end not in ("completed", "sent_back")
        done = max(0, done + {"completed": 1, "sent_back": -1}.get(end, 0))
        finish(run, end, plan["message"])
    if done == len(phases):
        run.complete()


def finish(run: TwinRun, end: str, message: str) -> None:
    if end == "completed":
        run.complete_phase()
    elif end == "failed":
        run.fail(message)
    elif end == "interrupted":
        run.interrupt_phase()
    elif end == "sent_back":
        run.send_back(message)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plans=st.lists(RUN, min_size=1, max_size=5),
    hours=st.sampled_from([1, 24, 500]),
    environment=st.sampled_from([None, "ci"]),
)
def test_both_backends_tell_the_same_of_any_history(
    sidecar_template: Path, plans: list[dict[str, Any]], hours: int, environment: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "state.sqlite3")
        shutil.copyfile(sidecar_template, database)
        clock = SettableClock(NOW)
        with BeadsStateManager(database, clock=clock) as state:
            twins = Twins(Path(folder, "shop"), state, clock)
            for number, plan in enumerate(plans):
                act(twins, plan, number)
                clock.advance(seconds=int(str(plan["pause"])))
            reports = twins.reports(hours, environment=environment)
    from_database, from_files = reports
    for answer in ANSWERS:
        assert getattr(from_files, answer) == getattr(from_database, answer), answer
    assert from_files.notes == ()
    check_that_the_parts_add_up(from_database)


def check_that_the_parts_add_up(report: Report) -> None:
    everyone = report.outcomes.total
    assert sum(group.total for group in report.by_issue_type) == everyone
    assert sum(funnel.executions for funnel in report.funnels) == everyone
    through = 0
    for funnel in report.funnels:
        levels = [funnel.executions]
        for step in funnel.steps:
            levels += [step.reached, step.completed]
        assert levels == sorted(levels, reverse=True), "a funnel never grows"
        through += levels[-1]
    assert through == report.outcomes.completed
    failures = report.failures
    assert failures.failures == report.outcomes.failed
    assert sum(group.failures for group in failures.by_phase) == failures.failures
    assert sum(group.failures for group in failures.by_pattern) == failures.failures
    for found in report.attempts:
        ends = (found.completed, found.failed, found.interrupted, found.in_progress, found.unknown)
        assert sum(ends) == found.attempts
        assert 0 <= found.retries <= found.attempts
        assert found.durations.measured == found.completed


@pytest.mark.parametrize("moment", ["2026-10-24T23:30:00Z", "2026-11-01T05:30:00Z", "2026-03-29T00:30:00Z"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_a_night_with_a_clock_change_gives_the_same_durations(
    tmp_path: Path, sidecar_db: Path, in_zone: Callable[[str], None], zone: str, moment: str
) -> None:
    in_zone(zone)
    clock = SettableClock(moment)
    with BeadsStateManager(sidecar_db, clock=clock) as state:
        twins = Twins(tmp_path / "shop", state, clock)
        run = twins.begin()
        for phase in PHASES:
            run.start(phase).work(1500).complete_phase()
        run.complete()
        database, files = twins.reports(hours=3)
    assert files.attempts == database.attempts
    assert [found.durations.median_seconds for found in files.attempts] == [1500.0] * 3
