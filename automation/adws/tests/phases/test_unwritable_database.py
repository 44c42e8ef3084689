"""A database that cannot be written does not stop a run, and can still be read wherever SQLite allows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adw_state.errors import ExecutionNotFoundError, IssueClaimedError
from adw_state.json_state import ADWState
from adw_state.recovery.json_states import reconcile_json_runs
from adw_state.state import BeadsStateManager
from adw_state.trackers.locate import locate
from adw_state.workflow.progress import Event
from adw_state.workflow.settings import RunOutcome
from adws.tests.beside_beads.mounts import fill_up, with_read_only, with_small_disk
from adws.tests.phases.projects import ALL_STEPS, Project

JSON_ONLY = "this run is kept in JSON only, because "
LOST = "the database is lost to this run, which continues with its JSON state only: "
LATER = "the run comes in by itself"


def ended(project: Project, outcome: RunOutcome) -> list[Any]:
    """How a run ended, how often it warned, and of what."""
    warnings = project.warnings()
    return [outcome.status, outcome.exit_code, len(warnings), *warnings]


def steps_in_json(project: Project, execution_id: str) -> list[str]:
    state = ADWState.load(execution_id, project.path)
    assert state is not None
    return [
        str(entry["step"])
        for phase in ("plan", "build", "review")
        for entry in state.checkpoints(phase)
        if isinstance(entry, dict)
    ]


def when(project: Project, kind: str, phase: str, change: Callable[[], object]) -> Callable[[Event], None]:
    """A progress that makes a change at this event."""

    def watch(event: Event) -> None:
        project.events.append(event)
        if (event.kind, event.phase) == (kind, phase):
            change()

    return watch


def test_a_run_on_a_read_only_medium_completes_in_json_and_says_so_once(project: Project) -> None:
    found = with_read_only(
        project.database.parent, lambda: ended(project, project.run("demo-1", adw_id="run-1"))
    )
    assert found[:3] == ["completed", 0, 1]
    assert found[3].startswith(f"{JSON_ONLY}{project.database} cannot be ")
    assert found[3].endswith(LATER)
    assert steps_in_json(project, "run-1") == ALL_STEPS
    assert project.executions() == []


def test_a_run_that_fails_on_a_read_only_medium_has_the_exit_code_of_its_failure(project: Project) -> None:
    found = with_read_only(
        project.database.parent, lambda: ended(project, project.run("demo-1", "--fail", "build:no"))
    )
    assert found[:3] == ["failed", 1, 1]


def test_one_issue_still_has_one_run_where_the_database_cannot_be_written(project: Project) -> None:
    def work() -> str:
        first = project.run("demo-1", last_phase="plan").execution
        with pytest.raises(IssueClaimedError) as refusal:
            project.run("demo-1")
        return str(refusal.value).replace(first.id, "FIRST")

    found = with_read_only(project.database.parent, work)
    assert found == "issue demo-1 is being worked on by execution FIRST"


def test_a_run_is_resumed_where_the_database_cannot_be_written_with_nothing_done_twice(
    project: Project,
) -> None:
    def work() -> list[Any]:
        return ended(project, project.resume("run-1"))

    project.run("demo-1", adw_id="run-1", last_phase="plan")
    found = with_read_only(project.database.parent, work)
    assert found[:3] == ["completed", 0, 1]
    assert project.calls() == ["plan", "build", "review"]
    assert [run.status for run in project.executions()] == ["in_progress"]


def test_what_a_run_did_in_json_is_known_to_the_next_resume_on_a_read_only_medium(project: Project) -> None:
    def work() -> list[Any]:
        project.resume("run-1", last_phase="build")
        project.events.clear()
        return ended(project, project.resume("run-1"))

    project.run("demo-1", adw_id="run-1", last_phase="plan")
    found = with_read_only(project.database.parent, work)
    assert found[:3] == ["completed", 0, 1]
    assert project.calls() == ["plan", "build", "review"]


def test_a_run_that_only_an_unwritable_database_knows_is_not_called_unknown(project: Project) -> None:
    project.run("demo-1", adw_id="run-1", last_phase="plan")
    state = ADWState.load("run-1", project.path)
    assert state is not None
    state.path.unlink()

    def work() -> str:
        with pytest.raises(ExecutionNotFoundError) as refusal:
            project.resume("run-1")
        return str(refusal.value)

    found = with_read_only(project.database.parent, work)
    assert found.startswith("there is no JSON state of execution 'run-1', and the database cannot be used: ")


@pytest.mark.parametrize("event", ["agent_started", "agent_finished"])
@pytest.mark.parametrize("phase", ["plan", "build", "review"])
def test_a_disk_that_becomes_full_in_the_middle_does_not_stop_the_run(
    project: Project, beads_template: Path, event: str, phase: str
) -> None:
    folder = project.database.parent

    def work() -> list[Any]:
        shutil.copyfile(beads_template, project.database)
        watch = when(project, event, phase, lambda: fill_up(folder, leaving=0))
        return ended(project, project.run("demo-1", adw_id="run-1", progress=watch))

    found = with_small_disk(folder, "4m", work)
    assert found[:3] == ["completed", 0, 1]
    assert found[3].startswith(f"{LOST}there is no room left to write {project.database}")
    assert found[3].endswith(LATER)
    assert steps_in_json(project, "run-1") == ALL_STEPS


def test_a_run_begins_in_json_where_the_disk_of_the_database_is_full(
    project: Project, beads_template: Path
) -> None:
    folder = project.database.parent

    def work() -> list[Any]:
        shutil.copyfile(beads_template, project.database)
        location = locate(cwd=project.path, environ={})
        fill_up(folder, leaving=0)
        return ended(project, project.run("demo-1", adw_id="run-1", location=location))

    found = with_small_disk(folder, "4m", work)
    assert found[:3] == ["completed", 0, 1]
    assert found[3].startswith(JSON_ONLY)
    assert steps_in_json(project, "run-1") == ALL_STEPS


@pytest.mark.parametrize("phase", ["plan", "build", "review"])
def test_a_database_that_is_deleted_in_the_middle_does_not_stop_the_run(project: Project, phase: str) -> None:
    def delete() -> None:
        for file in project.database.parent.glob("beads.db*"):
            file.unlink()

    outcome = project.run("demo-1", adw_id="run-1", progress=when(project, "agent_finished", phase, delete))
    assert ended(project, outcome)[:3] == ["completed", 0, 1]
    assert steps_in_json(project, "run-1") == ALL_STEPS
    assert not project.database.exists()


def test_a_run_that_was_kept_in_json_is_brought_into_the_database_later(project: Project) -> None:
    with_read_only(project.database.parent, lambda: project.run("demo-1", adw_id="run-1").status)
    with BeadsStateManager(project.database) as state:
        reconcile_json_runs(state, project.path)
    assert [(run.id, run.status) for run in project.executions()] == [("run-1", "completed")]
    assert not project.executions()[0].claimed
    assert sorted(project.steps("run-1")) == sorted(ALL_STEPS)
