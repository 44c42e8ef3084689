"""`adw cancel`, from another terminal than that of the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adw_state.store.owner import process_mark
from adws.tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    assert made.adw("init").code == 0
    return made


@contextmanager
def at_work(project: Project) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`adw run bd-42` as first, and the number of a command that its agent runs in a session of its own."""
    started = project.folder / "started"
    os.mkfifo(started)
    agent = project.folder / "agent"
    agent.write_text(f"#!/bin/sh\ncat > /dev/null\nsetsid sh -c 'echo $$ > {started}; exec sleep 600'\n")
    agent.chmod(0o755)
    words = ["run", "bd-42", "--agent", str(agent), "--adw-id", "first", "--allow-dirty"]
    with subprocess.Popen(
        [sys.executable, "-m", "adw_state.cli", *words],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        command = int(started.read_text())  # waits for it
        try:
            yield run, command
        finally:
            run.kill()


def test_a_run_is_cancelled_with_what_its_agent_started(project: Project) -> None:
    with at_work(project) as (run, command):
        cancelled = project.adw("cancel", "fir")
        _, told = run.communicate()
    assert (cancelled.code, cancelled.err) == (0, "")
    assert cancelled.out == (
        f"asked process {run.pid} on {os.uname().nodename} to stop\n"
        "Cancelled first; `adw resume first` would go on with it after all.\n"
    )
    assert process_mark(command) is None
    assert run.returncode == 128 + signal.SIGTERM
    assert "the run was stopped by SIGTERM" in told
    shown = project.adw("show", "first")
    assert "Status     cancelled, in plan\n" in shown.out
    again = project.adw("cancel", "first")
    assert (again.code, again.out) == (1, "")
    assert again.err == (
        "Error: execution first has ended: it is cancelled\n"
        "  What to do: there is nothing left to cancel; `adw show first` tells of it\n"
    )


def test_a_cancelled_run_as_json(project: Project) -> None:
    with at_work(project) as (run, _):
        cancelled = project.adw("cancel", "first", "--json")
    assert cancelled.code == 0
    told = cancelled.json
    assert (told["schema"], told["told"], told["stopped"]) == ("adw.cancel/1", run.pid, [])
    assert (told["execution"]["id"], told["execution"]["status"]) == ("first", "cancelled")


def test_a_run_that_nobody_knows_cannot_be_cancelled(project: Project) -> None:
    refused = project.adw("cancel", "nobody", "--json")
    assert refused.code == 3
    assert refused.json["kind"] == "ExecutionNotFoundError"
    assert refused.json["error"] == "there is no execution 'nobody'"
