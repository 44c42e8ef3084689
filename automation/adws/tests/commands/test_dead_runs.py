"""A run that was killed is not shown as at work, and everything that meets it says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adws.tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    assert made.adw("init").code == 0
    return made


def kill_one(project: Project, adw_id: str, **environ: str) -> None:
    """Run an issue until its agent is at work, and kill it and the agent."""
    started = project.folder / "started"
    os.mkfifo(started)
    agent = project.folder / "agent"
    agent.write_text(f"#!/bin/sh\ncat > /dev/null\necho $$ > {started}\nexec sleep 600\n")
    agent.chmod(0o755)
    words = [sys.executable, "-m", "adw_state.cli", "run", "bd-42", "--agent", str(agent), "--adw-id", adw_id]
    with subprocess.Popen(
        [*words, "--allow-dirty"],
        cwd=project.folder,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        pid = int(started.read_text())  # waits for the agent
        run.kill()
    os.kill(pid, signal.SIGKILL)


def test_status_show_and_the_refusal_say_that_a_killed_run_is_dead(project: Project) -> None:
    kill_one(project, "killed")

    told = project.adw("status").out
    at_work = told[told.index("At work") : told.index("Nobody works on these")]
    assert "killed" not in at_work
    line = next(line for line in told.splitlines() if line.startswith("  killed "))
    assert line.split()[:3] == ["killed", "bd-42", "plan"]
    assert line.endswith("  dead: its process is gone")
    assert "`adw resume EXECUTION` goes on" in told
    status = project.adw("status", "--json").json
    assert [run["id"] for run in status["unfinished"]] == ["killed"]
    assert status["life"]["killed"]["state"] == "dead"
    shown = project.adw("show", "killed")
    assert "dead: its process is gone; `adw resume killed` goes on" in shown.out
    assert project.adw("show", "killed", "--json").json["life"]["state"] == "dead"

    refused = project.adw("run", "bd-42", "--allow-dirty")

    assert refused.code == 5
    assert refused.err == (
        "Error: issue bd-42 is held by execution killed, which is dead: its process is gone\n"
        "  What to do: resume it with `adw resume killed`, or start a second run with --force\n"
    )
    assert project.adw("resume", "killed", "--agent", "scripted").code == 0


def test_the_refusal_is_the_same_where_there_is_no_database(project: Project) -> None:
    environ = {"ADW_USE_BEADS_STATE": "false"}
    kill_one(project, "killed", **environ)

    refused = project.adw("run", "bd-42", "--allow-dirty", environ=environ)

    assert refused.code == 5
    assert "Error: issue bd-42 is held by execution killed, which is dead: its process is gone" in refused.err


def test_a_run_that_was_told_to_stop_is_stopped(project: Project) -> None:
    project.adw("run", "bd-42", "--until", "plan", "--adw-id", "paused")

    status = project.adw("status")

    line = next(line for line in status.out.splitlines() if line.startswith("  paused "))
    assert line.endswith("  stopped: its process has ended")
    assert project.adw("show", "paused", "--json").json["life"]["state"] == "stopped"
