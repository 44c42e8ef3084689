"""Runs of the real workflow, with git, agents and both stores, told the same by both backends."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.reports.phases import FunnelStep
from adw_state.reports.report import Report, report_from_database, report_from_files
from adw_state.reports.run_files import RunFolders
from adw_state.reports.section import last_hours
from adw_state.trackers.tracker import Issue
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


def made_in(folder: Path, repository: Path, database: Path) -> Project:
    """A project of bd with nothing done in it yet."""
    project = Project(folder / "shop", folder / "shop" / ".beads" / "beads.db", folder / "calls.log")
    shutil.copytree(repository, project.path)
    project.database.parent.mkdir()
    shutil.copyfile(database, project.database)
    return project


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, repository_template: Path, beads_template: Path) -> Project:
    """A project in which five issues were worked at, with every kind of end. Do not change it."""
    project = made_in(tmp_path_factory.mktemp("day"), repository_template, beads_template)
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


@pytest.fixture(scope="module")
def two_workflows(
    tmp_path_factory: pytest.TempPathFactory, repository_template: Path, beads_template: Path
) -> Project:
    """A project with runs of the built-in workflow and of its own, some sent back. Do not change it."""
    folder = tmp_path_factory.mktemp("two")
    project = made_in(folder, repository_template, beads_template)
    (project.path / "document.md").write_text("Document what changed.\n")
    (project.path / "adw.toml").write_text(THOROUGH.format(count=folder / "count"))
    project.run("demo-1", adw_id="sent back twice", workflow="thorough")
    project.run("demo-2", adw_id="plain")
    project.run("demo-3", "--fail", "build:no idea", adw_id="no build", workflow="thorough")
    project.run("demo-4", "--reject", "too risky", adw_id="rejected", workflow="thorough")
    return project


THOROUGH = """
[workflows.thorough]
phases = ["plan", "build", "smoke-test", "review", "document"]

[phases.smoke-test]
run = "echo x >> {count}; [ $(wc -l < {count}) -gt 2 ]"
sends_back_to = "build"
at_most = 3

[phases.document]
prompt = "document.md"
"""


@pytest.mark.parametrize("backend", ["files", "logs", "states"])
def test_runs_of_two_workflows_give_the_same_numbers_from_the_database_and_from_files(
    two_workflows: Project, backend: str
) -> None:
    database, files = report(two_workflows, "database"), report(two_workflows, backend)
    for answer in ANSWERS:
        assert getattr(files, answer) == getattr(database, answer), answer
    assert files.notes == ()


def test_each_of_two_workflows_has_its_numbers(two_workflows: Project) -> None:
    found = report(two_workflows, "database")
    assert [(funnel.workflow, funnel.executions) for funnel in found.funnels] == [
        ("thorough", 3),
        ("adw_sdlc", 1),
    ]
    assert found.funnels[0].steps == (
        FunnelStep(1, "plan", 3, 3),
        FunnelStep(2, "build", 3, 2),
        FunnelStep(3, "smoke-test", 2, 2),
        FunnelStep(4, "review", 2, 1),
        FunnelStep(5, "document", 1, 1),
    )
    assert found.funnels[1].steps == tuple(
        FunnelStep(place, phase, 1, 1) for place, phase in enumerate(("plan", "build", "review"), start=1)
    )
    tried = {attempt.phase: (attempt.attempts, attempt.retries) for attempt in found.attempts}
    assert tried == {
        "plan": (4, 0),
        "build": (6, 2),
        "review": (3, 0),
        "smoke-test": (4, 2),
        "document": (1, 0),
    }
    assert [(group.phase, group.failures) for group in found.failures.by_phase] == [
        ("build", 1),
        ("review", 1),
    ]


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
