"""Agents that go on when their run was killed: stopped, or their finished work adopted."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from adw_state.agents.calls import stop_leftovers
from adw_state.store.owner import process_mark
from adws.tests.phases.processes import agent_of, call, run_apart, wait_until
from adws.tests.phases.projects import Project


def source(project: Project) -> Path:
    """The file that the scripted agent writes in build."""
    return project.path / ".adw" / "trees" / "demo-1-run-1" / "src" / "demo_1_run_1.py"


@pytest.mark.parametrize("phase", ["plan", "build", "review"])
def test_an_agent_that_outlives_its_killed_run_is_stopped_before_it_is_asked_again(
    project: Project, phase: str
) -> None:
    with run_apart(project, "--hang", phase) as process:
        agent = agent_of(project, phase)
        process.kill()
    assert process_mark(agent) is not None, "the agent must outlive its run for this test to mean anything"
    outcome = project.resume("run-1")
    assert process_mark(agent) is None
    assert outcome.status == "completed"
    before = {"plan": [], "build": ["plan"], "review": ["plan", "build"]}[phase]
    assert project.calls() == [*before, phase, phase, *["build", "review"][len(before) :]]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]


def test_what_a_stopped_agent_had_changed_is_set_aside_as_a_patch(project: Project) -> None:
    with run_apart(project, "--hang", "build") as process:
        agent_of(project, "build")
        wait_until(lambda: source(project).exists() and source(project).read_text().endswith("\n"))
        (source(project).parent / "half.py").write_text("half done\n")
        process.kill()
    outcome = project.resume("run-1")
    patch = call(project, "build").with_name("attempt-2") / "leftovers.patch"
    assert "+half done" in patch.read_text()
    assert not (source(project).parent / "half.py").exists()
    assert "half.py" not in project.git("ls-tree", "-r", "--name-only", str(outcome.execution.branch_name))


def test_the_answer_of_an_agent_that_ended_after_its_run_was_killed_is_adopted(project: Project) -> None:
    with run_apart(project, "--slow", "build=0.3") as process:
        agent = agent_of(project, "build")
        process.kill()
    wait_until(lambda: process_mark(agent) is None)
    assert not (call(project, "build") / "ended.json").exists()
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.attempts("run-1")[2].cost_usd == 0.1873


def test_an_agent_that_failed_after_its_run_was_killed_is_asked_again(project: Project) -> None:
    with run_apart(project, "--slow", "build=0.3", "--fail", "build:no") as process:
        agent = agent_of(project, "build")
        process.kill()
    wait_until(lambda: process_mark(agent) is None)
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "build", "review"]


def test_a_worker_whose_leader_is_dead_is_stopped_too(project: Project, tmp_path: Path) -> None:
    script = tmp_path / "agent.sh"
    script.write_text(f"cd '{tmp_path}'; sleep 60 & echo $! > worker.new; mv worker.new worker; wait\n")
    with run_apart(project, agent=f"sh {shlex.quote(str(script))}") as process:
        wait_until((tmp_path / "worker").exists)
        leader = json.loads((call(project, "plan") / "process.json").read_text())["pid"]
        process.kill()
    os.kill(leader, signal.SIGKILL)
    wait_until(lambda: process_mark(leader) is None)
    worker = int((tmp_path / "worker").read_text())
    assert process_mark(worker) is not None
    assert project.resume("run-1").status == "completed"
    assert process_mark(worker) is None


def test_a_process_that_only_has_the_agents_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder = tmp_path / "plan" / "attempt-1"
        folder.mkdir(parents=True)
        host = os.uname().nodename
        identity = {"pid": stranger.pid, "mark": "another", "host": host, "marker": "00"}
        (folder / "process.json").write_text(json.dumps(identity))
        assert stop_leftovers(tmp_path, 1.0) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
