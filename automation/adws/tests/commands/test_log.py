"""`adw log`: what a run wrote down, and what its agents printed, as a user reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adws.tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that is prepared."""
    made = Project(tmp_path / "shop")
    assert made.adw("init").code == 0
    return made


def agent(project: Project, text: str) -> str:
    """An agent that is a shell script."""
    path = project.folder.parent / "agent.sh"
    path.write_text(f"#!/bin/sh\ncat > /dev/null\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_log_is_printed_as_it_is_in_the_file(project: Project) -> None:
    assert project.adw("run", "bd-42", "--adw-id", "run-1").code == 0
    shown = project.adw("log", "run-1")
    file = Path(project.adw("log", "run-1", "--json").json["log"])
    assert (shown.code, shown.err, shown.out) == (0, "", file.read_text())


def test_with_a_phase_it_is_what_the_newest_agent_printed_with_secrets_masked(project: Project) -> None:
    secret = "sk-ant-api03-" + "a1B2" * 12
    script = agent(project, f"echo first try {secret}; exit 1")
    assert project.adw("run", "bd-42", "--adw-id", "run-1", "--agent", script).code == 1
    agent(project, "echo second try; exit 1")
    assert project.adw("resume", "run-1", "--agent", script).code == 1
    assert project.adw("log", "run-1", "--phase", "plan").out == "second try\n"
    first = project.adw("log", "run-1", "--phase", "plan", "--attempt", "1").out
    assert first.startswith("first try ")
    assert secret not in first


def test_what_is_not_there_is_said_with_what_is(project: Project) -> None:
    script = agent(project, "exit 1")
    project.adw("run", "bd-42", "--adw-id", "run-1", "--agent", script)
    asked = project.adw("log", "run-1", "--phase", "build")
    assert (asked.code, asked.out) == (2, "")
    assert "nothing is kept of build of the run run-1" in asked.err
    assert "there is: plan 1" in asked.err
    assert project.adw("log", "run-2").code == 3


def test_follow_prints_lines_as_they_come_and_ends_with_the_run(project: Project) -> None:
    go_on = project.folder.parent / "go-on"
    os.mkfifo(go_on)
    script = agent(project, f"cat {go_on} > /dev/null; exit 1")
    adw = [sys.executable, "-m", "adw_state.cli"]
    words = ["run", "bd-42", "--adw-id", "run-1", "--agent", script]
    with subprocess.Popen(
        [*adw, *words], cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        with go_on.open("w"):  # the agent is at work
            follow = subprocess.Popen(
                [*adw, "log", "run-1", "--follow"], cwd=project.folder, stdout=subprocess.PIPE, text=True
            )
            assert follow.stdout is not None
            first = follow.stdout.readline()
        rest, _ = follow.communicate()
    assert "ADW Logger initialized - ID: run-1" in first
    assert rest.splitlines()[-1].endswith("ADW workflow failed for issue #bd-42")
    assert first + rest == project.adw("log", "run-1").out
