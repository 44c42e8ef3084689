"""Runs that are asked to stop, and runs that are taken over by another process."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.errors import ExecutionHeldError, OwnershipLostError, RunInterruptedError
from adw_state.store.owner import process_mark
from adws.tests.phases.processes import agent_of, run_apart
from adws.tests.phases.projects import Project
from adws.tests.processes import child, run_together


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_agent_and_leaves_a_run_that_can_be_resumed(
    project: Project, tmp_path: Path, number: signal.Signals
) -> None:
    told = tmp_path / "told"

    def work(_here: Callable[[], None]) -> None:
        try:
            project.run("demo-1", "--hang", "build", adw_id="run-1")
        except RunInterruptedError as error:
            told.write_bytes(pickle.dumps((str(error), error.hint, error.exit_code)))

    with child(work) as process:
        agent = agent_of(project, "build")
        os.kill(process.pid, number)
        assert process.wait() == 0
    assert process_mark(agent) is None
    assert pickle.loads(told.read_bytes()) == (
        f"the run was stopped by {number.name}", "resume it with `adw resume run-1`", 128 + number
    )  # fmt: skip
    assert [(run.status, run.claimed) for run in project.executions()] == [("in_progress", True)]
    last = project.attempts("run-1")[-1]
    assert (last.phase, last.status, last.error_message) == (
        "build", "interrupted", f"the run was stopped by {number.name}"
    )  # fmt: skip
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "build", "review"]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]


def test_a_run_that_is_stopped_between_agents_stops_before_its_next_step(project: Project) -> None:
    def stop(event: object) -> None:
        if getattr(event, "kind", None) == "commit_made":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(RunInterruptedError):
        project.run("demo-1", adw_id="run-1", progress=stop)
    assert project.steps("run-1")[-1] == "plan_committed"
    assert project.calls() == ["plan"]
    assert project.resume("run-1").status == "completed"


def test_handlers_are_given_back_after_a_run(project: Project) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    project.run("demo-1")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_ignored(project: Project) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:

        def hang_up(event: object) -> None:
            if getattr(event, "kind", None) == "commit_made":
                os.kill(os.getpid(), signal.SIGHUP)

        assert project.run("demo-1", progress=hang_up).status == "completed"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_works_outside_the_main_thread(project: Project) -> None:
    ends: list[str] = []
    thread = threading.Thread(target=lambda: ends.append(project.run("demo-1").status))
    thread.start()
    thread.join()
    assert ends == ["completed"]


def test_a_living_run_is_not_resumed_by_another_process(project: Project) -> None:
    with run_apart(project, "--hang", "build") as process:
        agent = agent_of(project, "build")
        with pytest.raises(ExecutionHeldError):
            project.resume("run-1")
        assert process_mark(agent) is not None
        os.kill(process.pid, signal.SIGTERM)
        process.wait()
    assert project.calls() == ["plan", "build"]


def test_a_run_that_is_taken_over_by_force_stops_its_agent_and_writes_no_more(
    project: Project, tmp_path: Path
) -> None:
    project.config = project.config._replace(heartbeat_seconds=0.05)
    told = tmp_path / "told"

    def work(_here: Callable[[], None]) -> None:
        try:
            project.run("demo-1", "--hang", "build", adw_id="run-1")
        except OwnershipLostError as error:
            told.write_text(str(error))

    with child(work) as process:
        first = agent_of(project, "build")
        outcome = project.resume("run-1", force=True)
        assert process.wait() == 0
    assert told.read_text().startswith("execution run-1 was taken over by ")
    assert process_mark(first) is None
    assert outcome.status == "completed"
    assert [(a.phase, a.attempt, a.status) for a in project.attempts("run-1")] == [
        ("plan", 1, "completed"),
        ("build", 1, "interrupted"),
        ("build", 2, "completed"),
        ("review", 1, "completed"),
    ]
    state = json.loads((project.path / ".adw" / "agents" / "run-1" / "adw_state.json").read_text())
    assert (state["status"], state["fence"]) == ("completed", 2)


def test_of_many_processes_that_resume_a_dead_run_one_does_and_the_others_are_told(project: Project) -> None:
    with run_apart(project, "--slow", "build=0.2") as process:
        agent_of(project, "build")
        process.kill()

    def resume() -> str:
        try:
            return project.resume("run-1").status
        except ExecutionHeldError:
            return "held"

    assert sorted(run_together([resume] * 4)) == ["completed", "held", "held", "held"]
    assert project.calls()[-1:] == ["review"]
    assert project.calls().count("review") == 1


def test_of_many_processes_that_start_runs_on_one_issue_one_does(project: Project) -> None:
    def start() -> str:
        try:
            return project.run("demo-1").status
        except Exception as error:  # noqa: BLE001 - the names of all of them are compared
            return type(error).__name__

    assert sorted(run_together([start] * 4)) == ["IssueClaimedError"] * 3 + ["completed"]
    assert project.calls() == ["plan", "build", "review"]


def test_runs_of_many_issues_work_at_once(project: Project) -> None:
    works = [lambda number=number: project.run(f"demo-{number}").status for number in range(1, 6)]
    assert run_together(works) == ["completed"] * 5
    assert {run.status for run in project.executions()} == {"completed"}
    assert all(project.commits(run) == ["plan_committed", "build_committed"] for run in project.executions())
