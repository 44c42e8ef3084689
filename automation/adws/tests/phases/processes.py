"""Runs in processes of their own, which a test kills or stops, and their agents."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from adw_state.workflow.progress import Event
from adws.tests.phases.projects import Project
from adws.tests.processes import Child, child


@contextmanager
def run_apart(project: Project, *options: str, agent: str | None = None) -> Iterator[Child]:
    """A process that runs demo-1 as run-1."""

    def work(_here: Callable[[], None]) -> None:
        changes = {} if agent is None else {"agent": agent}
        project.run("demo-1", *options, adw_id="run-1", **changes)

    with child(work) as process:
        yield process


def call(project: Project, phase: str) -> Path:
    """The folder of the first agent call of a phase."""
    return project.path / ".adw" / "agents" / "run-1" / phase / "attempt-1"


def agent_of(project: Project, phase: str) -> int:
    """The pid of the agent of a phase, once it is at work."""
    wait_until(lambda: (call(project, phase) / "process.json").exists() and phase in project.calls())
    pid: int = json.loads((call(project, phase) / "process.json").read_text())["pid"]
    return pid


def wait_until(done: Callable[[], bool]) -> None:
    """Return when something has come true in another process."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def killed_run(project: Project, at: Callable[[Event], bool], *options: str, adw_id: str = "run-1") -> None:
    """Run demo-1 in a process that is killed with SIGKILL when an event is `at` the point."""

    def work(here: Callable[[], None]) -> None:
        def watch(event: Event) -> None:
            if at(event):
                here()

        project.run("demo-1", *options, adw_id=adw_id, progress=watch)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
