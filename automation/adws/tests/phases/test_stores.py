"""Two stores for every run, and runs that go on with one of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from adw_state.commands.group import adw as command_line
from adw_state.errors import (
    ExecutionHeldError,
    ExecutionNotFoundError,
    IllegalTransitionError,
    IssueClaimedError,
    StateFileError,
)
from adw_state.recovery.json_states import reconcile_json_runs
from adw_state.run_root import json_only_runs
from adw_state.state import ADWState, BeadsStateManager
from adw_state.store.importing import Tally
from adw_state.workflow.progress import Event
from adws.tests.phases.processes import agent_of, killed_run, run_apart
from adws.tests.phases.projects import ALL_STEPS, Project
from adws.tests.processes import child

DEPRECATED = "JSON as the only store is deprecated; unset ADW_USE_BEADS_STATE to use the database as well"


def state_of(project: Project, adw_id: str) -> dict[str, object]:
    """The JSON state of a run."""
    text = (project.path / ".adw" / "agents" / adw_id / "adw_state.json").read_text()
    state: dict[str, object] = json.loads(text)
    return state


def json_steps(project: Project, adw_id: str) -> list[str]:
    """The steps that the JSON state of a run has."""
    folder = project.path / ".adw" / "agents" / adw_id
    return [
        entry["step"]
        for phase in ("plan", "build", "review")
        for entry in json.loads((folder / phase / "checkpoints.json").read_text())["checkpoints"]
    ]


def json_only(project: Project) -> None:
    """Let further runs use JSON only."""
    project.config = project.config._replace(use_beads_state=False)


def break_database(project: Project, kept: Path) -> None:
    """Put something unreadable where the database was, and the database into the folder `kept`."""
    kept.mkdir()
    for file in project.database.parent.glob("beads.db*"):
        file.rename(kept / file.name)
    project.database.write_bytes(b"this is no database")


def bring_back(project: Project, kept: Path) -> None:
    """Undo `break_database`."""
    for file in kept.iterdir():
        file.rename(project.database.with_name(file.name))


def test_a_run_with_json_only_completes_and_says_that_this_is_deprecated(project: Project) -> None:
    json_only(project)
    run = project.run("demo-1", adw_id="run-1").execution
    assert run.status == "completed"
    assert project.warnings() == [DEPRECATED]
    assert project.executions() == []
    assert json_steps(project, "run-1") == ALL_STEPS
    assert state_of(project, "run-1")["status"] == "completed"


def test_a_run_where_the_database_was_never_migrated_is_kept_in_json(
    project: Project, tracker_db: Path
) -> None:
    shutil.copyfile(tracker_db, project.database)
    assert project.run("demo-1", adw_id="run-1").status == "completed"
    assert project.warnings() == [
        f"this run is kept in JSON only, because {project.database} holds no executions yet; "
        "`adw init` makes the tables, and the run comes in by itself"
    ]
    assert json_steps(project, "run-1") == ALL_STEPS


def test_a_killed_json_only_run_is_resumed_with_nothing_done_twice(project: Project) -> None:
    json_only(project)
    killed_run(project, lambda event: event.kind == "commit_made" and event.phase == "build")
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
    results = state_of(project, "run-1")["phase_results"]
    assert isinstance(results, list)
    assert [(r["phase"], r["attempt"], r["status"]) for r in results] == [
        ("plan", 1, "completed"),
        ("build", 1, "interrupted"),
        ("build", 2, "completed"),
        ("review", 1, "completed"),
    ]


def test_a_failed_json_only_run_is_resumed(project: Project) -> None:
    json_only(project)
    failed = project.run("demo-1", "--fail", "build:no")
    assert (failed.status, state_of(project, failed.execution.id)["error_message"]) == ("failed", "no")
    assert project.resume(failed.execution.id).status == "completed"
    assert state_of(project, failed.execution.id)["error_message"] is None


def test_without_a_database_one_issue_still_has_one_run(project: Project) -> None:
    json_only(project)
    first = project.run("demo-1", last_phase="plan").execution
    with pytest.raises(IssueClaimedError, match=f"^issue demo-1 is being worked on by execution {first.id}$"):
        project.run("demo-1")
    assert json_only_runs(project.path) == [first.id]
    assert project.run("demo-1", force=True).status == "completed"
    assert project.run("demo-2").status == "completed"


def test_without_a_database_a_living_run_is_not_resumed(project: Project) -> None:
    json_only(project)
    with run_apart(project, "--hang", "build") as process:
        agent_of(project, "build")
        with pytest.raises(ExecutionHeldError):
            project.resume("run-1")
        process.kill()
    assert project.resume("run-1").status == "completed"


def test_without_a_database_a_completed_run_is_not_resumed(project: Project) -> None:
    json_only(project)
    run = project.run("demo-1").execution
    with pytest.raises(IllegalTransitionError):
        project.resume(run.id)


def test_phases_go_on_from_a_json_only_run(project: Project) -> None:
    json_only(project)
    for phase in ("plan", "build", "review"):
        outcome = project.phase(phase, "demo-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]


@pytest.mark.parametrize("phase", ["plan", "build", "review"])
def test_a_database_that_breaks_in_the_middle_does_not_stop_the_run(
    project: Project, tmp_path: Path, phase: str
) -> None:
    settings = project.settings()

    def watch(event: Event) -> None:
        project.events.append(event)
        if event.kind == "agent_finished" and event.phase == phase:
            break_database(project, tmp_path / "kept")

    outcome = project.run("demo-1", adw_id="run-1", progress=watch, location=settings.location)
    assert (outcome.status, outcome.exit_code) == ("completed", 0)
    assert len(project.warnings()) == 1
    assert project.warnings()[0].startswith(
        "the database is lost to this run, which continues with its JSON state"
    )
    assert json_steps(project, "run-1") == ALL_STEPS
    assert state_of(project, "run-1")["completed_phases"] == ["plan", "build", "review"]


def test_a_run_whose_issue_is_deleted_in_the_tracker_goes_on_with_json(project: Project) -> None:
    def watch(event: Event) -> None:
        project.events.append(event)
        if event.kind == "agent_finished" and event.phase == "build":
            tracker = sqlite3.connect(project.database, isolation_level=None)
            tracker.execute("PRAGMA foreign_keys=ON")
            tracker.execute("DELETE FROM issues WHERE id = 'demo-1'")
            tracker.close()

    outcome = project.run("demo-1", adw_id="run-1", progress=watch)
    assert outcome.status == "completed"
    assert len(project.warnings()) == 1
    assert json_steps(project, "run-1") == ALL_STEPS


def test_a_json_state_that_breaks_in_the_middle_does_not_stop_the_run(project: Project) -> None:
    def watch(event: Event) -> None:
        project.events.append(event)
        if event.kind == "agent_finished" and event.phase == "plan":
            (project.path / ".adw" / "agents" / "run-1" / "adw_state.json").write_text("{half")

    outcome = project.run("demo-1", adw_id="run-1", progress=watch)
    assert outcome.status == "completed"
    assert len(project.warnings()) == 1
    assert project.warnings()[0].startswith(
        "the JSON state is lost to this run, which continues with the database"
    )
    assert project.steps("run-1") == ALL_STEPS


def test_a_run_that_loses_both_stores_says_so(project: Project) -> None:
    json_only(project)

    def watch(event: Event) -> None:
        if event.kind == "agent_finished" and event.phase == "plan":
            (project.path / ".adw" / "agents" / "run-1" / "adw_state.json").write_text("{half")

    with pytest.raises(StateFileError):
        project.run("demo-1", adw_id="run-1", progress=watch)


def test_a_run_killed_while_its_database_was_lost_goes_on_in_the_database_once_it_is_back(
    project: Project, tmp_path: Path
) -> None:
    settings = project.settings()

    def work(here: Callable[[], None]) -> None:
        def watch(event: Event) -> None:
            if event.kind == "agent_finished" and event.phase == "plan":
                break_database(project, tmp_path / "kept")
            if event.kind == "step_saved" and event.step == "changes_made":
                here()

        project.run("demo-1", adw_id="run-1", progress=watch, location=settings.location)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
    bring_back(project, tmp_path / "kept")
    assert project.steps("run-1") == ["run_started", "worktree_ready"]
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
    assert sorted(project.steps("run-1")) == sorted(ALL_STEPS)


def test_steps_of_an_attempt_that_failed_while_the_database_was_lost_do_not_count(
    project: Project, tmp_path: Path
) -> None:
    settings = project.settings()

    def watch(event: Event) -> None:
        if event.kind == "agent_finished" and event.phase == "plan":
            break_database(project, tmp_path / "kept")

    project.run("demo-1", adw_id="run-1", progress=watch, location=settings.location, last_phase="plan")
    failed = project.resume("run-1", agent="true", location=settings.location)
    assert str(failed.error) == "the agent ended without changing a file"
    project.database.unlink()
    bring_back(project, tmp_path / "kept")
    assert project.resume("run-1", agent=project.agent()).status == "completed"
    assert project.calls() == ["plan", "build", "review"]


def test_a_run_whose_json_state_was_deleted_goes_on_from_the_database(project: Project) -> None:
    killed_run(project, lambda event: event.step == "changes_made")
    folder = project.path / ".adw" / "agents" / "run-1"
    (folder / "adw_state.json").unlink()
    for phase in ("plan", "build"):
        (folder / phase / "checkpoints.json").unlink()
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert sorted(json_steps(project, "run-1")) == sorted(ALL_STEPS)


def test_a_run_whose_json_state_is_damaged_goes_on_from_the_database(project: Project) -> None:
    killed_run(project, lambda event: event.step == "changes_made")
    path = project.path / ".adw" / "agents" / "run-1" / "adw_state.json"
    path.write_text("{half")
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert len(project.warnings()) == 1
    assert project.warnings()[0].startswith(f"the run continues with the database only, because {path}")
    assert path.read_text() == "{half"


def test_a_run_that_began_in_json_goes_on_in_the_database(project: Project) -> None:
    json_only(project)
    killed_run(project, lambda event: event.step == "changes_made")
    project.config = project.config._replace(use_beads_state=None)
    assert project.resume("run-1").status == "completed"
    assert project.warnings() == []
    assert project.calls() == ["plan", "build", "review"]
    assert project.steps("run-1") == json_steps(project, "run-1") == ALL_STEPS


def test_a_run_that_cannot_come_into_the_database_goes_on_with_json(project: Project) -> None:
    json_only(project)
    killed_run(project, lambda event: event.step == "changes_made")
    project.config = project.config._replace(use_beads_state=None)
    state = ADWState.load("run-1", project.path)
    assert state is not None
    state.update({"pr_created": 7})  # the tables refuse that
    assert project.resume("run-1").status == "completed"
    assert project.warnings() == [
        "the database does not know run-1, which continues with its JSON state only"
    ]


def test_a_run_that_ended_in_json_comes_into_the_database_with_the_next_run(project: Project) -> None:
    json_only(project)
    project.run("demo-1", adw_id="run-1")
    project.config = project.config._replace(use_beads_state=None)
    project.run("demo-2", adw_id="run-2")
    with BeadsStateManager(project.database) as state:
        run, attempts = state.get_execution("run-1"), state.list_attempts("run-1")
    assert run is not None
    assert (run.status, run.claimed, run.environment) == ("completed", False, "local")
    assert [(a.phase, a.attempt, a.status) for a in attempts] == [
        ("plan", 1, "completed"),
        ("build", 1, "completed"),
        ("review", 1, "completed"),
    ]
    assert project.steps("run-1") == json_steps(project, "run-1") == ALL_STEPS


def test_a_run_that_lost_its_database_comes_back_completely_with_the_next_command(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project.settings()

    def watch(event: Event) -> None:
        if event.kind == "agent_finished" and event.phase == "build":
            break_database(project, tmp_path / "kept")

    project.run("demo-1", adw_id="run-1", progress=watch, location=settings.location)
    project.database.unlink()
    bring_back(project, tmp_path / "kept")
    monkeypatch.chdir(project.path)

    ran = CliRunner().invoke(command_line, ["show", "run-1", "--json"])

    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["execution"]["status"] == "completed"
    assert sorted(project.steps("run-1")) == sorted(ALL_STEPS)
    assert json_only_runs(project.path) == []
    with closing(sqlite3.connect(project.database)) as connection:
        ((kind, executions, detail),) = connection.execute(
            "SELECT kind, executions, detail FROM adw_reconciliations"
        )
    state = project.path / ".adw" / "agents" / "run-1" / "adw_state.json"
    assert (kind, executions) == ("recovered", 1)
    assert detail.startswith(f"from {state}: 0 executions restored, 1 brought up to date, ")


def test_a_run_that_is_still_written_to_json_stays_noted_and_comes_in_again(project: Project) -> None:
    json_only(project)
    project.run("demo-1", adw_id="run-1", last_phase="plan")  # this process, which lives, owns it
    with BeadsStateManager(project.database) as state:
        reconcile_json_runs(state, project.path)
        assert json_only_runs(project.path) == ["run-1"]
        assert [attempt.phase for attempt in state.list_attempts("run-1")] == ["plan"]
        project.resume("run-1")
        reconcile_json_runs(state, project.path)
        assert [attempt.phase for attempt in state.list_attempts("run-1")] == ["plan", "build", "review"]
    assert json_only_runs(project.path) == []


def test_a_state_that_cannot_be_read_yet_stays_noted(project: Project) -> None:
    json_only(project)
    project.run("demo-1", adw_id="run-1")
    path = project.path / ".adw" / "agents" / "run-1" / "adw_state.json"
    whole = path.read_text()
    path.write_text("{half")
    with BeadsStateManager(project.database) as state:
        assert reconcile_json_runs(state, project.path) == Tally()
        path.write_text(whole)
        assert reconcile_json_runs(state, project.path).restored == 1


def test_where_the_project_wants_json_only_nothing_comes_into_the_database(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    json_only(project)
    project.run("demo-1", adw_id="run-1")
    monkeypatch.setenv("ADW_USE_BEADS_STATE", "false")
    with BeadsStateManager(project.database) as state:
        assert reconcile_json_runs(state, project.path) == Tally()
    assert project.executions() == []


def test_a_dual_run_can_be_resumed_with_json_only(project: Project) -> None:
    killed_run(project, lambda event: event.step == "changes_made")
    json_only(project)
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "review"]


def test_an_unknown_execution_is_not_found_in_either_store(project: Project) -> None:
    for use in (None, False):
        project.config = project.config._replace(use_beads_state=use)
        with pytest.raises(ExecutionNotFoundError, match=r"^there is no execution 'nobody'$"):
            project.resume("nobody")
    assert not (project.path / ".adw").exists()
