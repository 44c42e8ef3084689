"""Runs of the real workflow, with git, agents and both stores, told the same by both backends."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.reports.analysis import report_from_database, report_from_files
from adw_state.reports.report import FunnelStep, Report
from adw_state.reports.run_files import RunFolders
from adw_state.reports.window import last_hours
from adw_state.trackers.issues import Issue
from adw_state.workflow.runner import run_issue
from adws.tests.conftest import NOW
from adws.tests.phases.conftest import bare_project, repository_template
from adws.tests.phases.projects import Project

__all__ = ["bare_project", "repository_template"]

ANSWERS = [field.name for field in fields(Report) if field.name not in ("source", "notes")]


def report(project: Project, backend: str, *, days_later: float = 0) -> Report:
    clock = SettableClock(NOW)
    clock.advance(days=days_later)
    window = last_hours(24 * (days_later + 1), clock=clock)
    if backend == "database":
        return report_from_database(project.database, window, clock=clock)
    logs, agents = project.path / ".adw" / "logs", project.path / ".adw" / "agents"
    folders = {
        "files": RunFolders(logs, agents),
        "logs": RunFolders(logs, None),
        "states": RunFolders(agents, agents),
    }
    return report_from_files(folders[backend], window)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, repository_template: Path, beads_template: Path) -> Project:
    """A project in which five issues were worked at, with every kind of end. Do not change it."""
    folder = tmp_path_factory.mktemp("day")
    shutil.copytree(repository_template, folder / "shop")
    database = folder / "shop" / ".beads" / "beads.db"
    database.parent.mkdir()
    shutil.copyfile(beads_template, database)
    project = Project(folder / "shop", database, folder / "calls.log")
    project.run("demo-1", adw_id="complete")
    project.run("demo-2", "--fail", "plan:no idea", adw_id="no plan")
    project.run("demo-3", "--reject", "too risky", adw_id="rejected")
    project.run("demo-4", "--fail", "build:3 tests failed", adw_id="repaired")
    project.resume("repaired")
    project.phase("plan", "demo-5", adw_id="planned")
    return project


@pytest.mark.parametrize("days_later", [0, 2])
@pytest.mark.parametrize("backend", ["files", "logs", "states"])
def test_a_day_of_real_runs_gives_the_same_numbers_from_the_database_and_from_files(
    day: Project, backend: str, days_later: int
) -> None:
    database = report(day, "database", days_later=days_later)
    files = report(day, backend, days_later=days_later)
    for answer in ANSWERS:
        if backend != "logs" or answer != "stale":  # checkpoints are in the states
            assert getattr(files, answer) == getattr(database, answer), answer
    assert files.notes == ()


def test_the_numbers_are_those_of_the_day(day: Project) -> None:
    found = report(day, "database", days_later=2)
    assert (found.outcomes.completed, found.outcomes.failed, found.outcomes.in_progress) == (2, 2, 1)
    [funnel] = found.funnels
    assert funnel.steps == (
        FunnelStep(1, "plan", 5, 4),
        FunnelStep(2, "build", 3, 3),
        FunnelStep(3, "review", 3, 2),
    )
    by_phase = {group.phase: group.failures for group in found.failures.by_phase}
    assert by_phase == {"plan": 1, "review": 1}
    assert {attempt.phase: attempt.retries for attempt in found.attempts} == {
        "plan": 0,
        "build": 1,
        "review": 0,
    }
    [stale] = found.stale.newest
    assert (stale.execution_id, stale.phase, stale.checkpoint_name) == ("planned", "plan", "plan_committed")


def test_a_run_without_a_database_is_in_the_report_from_files(bare_project: Path, tmp_path: Path) -> None:
    lonely = Project(bare_project, tmp_path / "none.db", tmp_path / "calls.log")
    settings = lonely.settings()

    run_issue(settings, Issue("demo-7", "By hand", "task", 2), adw_id="by hand")
    [run] = report(lonely, "files").recent
    assert (run.execution_id, run.status, run.issue_type, run.issue_title) == (
        "by hand",
        "completed",
        "task",
        "By hand",
    )
