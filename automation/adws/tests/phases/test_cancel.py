"""A run that is cancelled from another process."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import (
    ExecutionHeldError,
    ExecutionNotFoundError,
    IllegalTransitionError,
)
from adw_state.store.owner import host_name, process_mark
from adw_state.workflow.cancelling import Cancelled, cancel_execution
from adws.tests.phases.daemons import Daemon
from adws.tests.phases.processes import agent_of, run_apart
from adws.tests.phases.projects import Project, acting_agent


def cancel(project: Project, execution_id: str = "run-1", *, patience: float = 20) -> Cancelled:
    """Cancel an execution."""
    return cancel_execution(project.settings(), execution_id, patience_seconds=patience)


def begun(project: Project, owner: str | None) -> None:
    """An execution that somebody else has begun, by a program of theirs."""
    project.ask(lambda state: state.create_execution("demo-1", adw_id="run-1", owner=owner, claim=True))


def status(project: Project) -> list[tuple[str, bool]]:
    """Status and claim of each execution."""
    return [(run.status, run.claimed) for run in project.executions()]


def test_a_cancelled_run_ends_with_its_agent_and_all_that_that_started(
    project: Project, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path, "stubborn")
    agent = acting_agent(tmp_path, build=f"{daemon.start}; sleep 300")
    with run_apart(project, agent=agent) as process:
        assert process_mark(daemon.pid) is not None
        cancelled = cancel(project)
        assert process.wait() == 70  # by the exception RunInterruptedError, as after Ctrl-C
    assert process_mark(daemon.pid) is None
    assert (cancelled.told, cancelled.stopped) == (process.pid, [])
    assert cancelled.execution == project.executions()[0]
    assert status(project) == [("cancelled", False)]
    assert cancelled.execution.error_message == "cancelled by `adw cancel`"
    assert [(a.phase, a.status) for a in project.attempts("run-1")] == [
        ("plan", "completed"),
        ("build", "interrupted"),
    ]
    log = project.log_text(cancelled.execution)
    assert log.splitlines()[-1].endswith(" - WARNING - ADW workflow cancelled for issue #demo-1")


def test_a_cancelled_run_can_be_resumed_after_all(project: Project) -> None:
    with run_apart(project, "--hang", "build") as process:
        agent_of(project, "build")
        cancel(project)
        process.wait()
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "build", "review"]


def test_the_agent_of_a_run_whose_process_is_dead_is_stopped_by_cancel(project: Project) -> None:
    with run_apart(project, "--hang", "build") as process:
        agent = agent_of(project, "build")
        process.kill()
    cancelled = cancel(project)
    assert (cancelled.told, cancelled.stopped) == (None, [agent])
    assert process_mark(agent) is None
    assert status(project) == [("cancelled", False)]


def test_a_process_that_does_not_end_is_killed(project: Project) -> None:
    with run_apart(project, "--hang", "build") as process:
        agent = agent_of(project, "build")
        process.stop()
        cancelled = cancel(project, patience=0)
        assert process.wait() == -signal.SIGKILL
    assert (cancelled.told, cancelled.stopped) == (process.pid, [agent])
    assert process_mark(agent) is None
    assert status(project) == [("cancelled", False)]


def test_an_unknown_run_cannot_be_cancelled(project: Project) -> None:
    with pytest.raises(ExecutionNotFoundError, match="there is no execution 'run-1'"):
        cancel(project)


@pytest.mark.parametrize("ended", ["completed", "failed", "cancelled"])
def test_a_run_that_has_ended_cannot_be_cancelled(project: Project, ended: str) -> None:
    begun(project, None)
    project.ask(lambda state: state.update_execution_status("run-1", ended))
    before = project.executions()
    with pytest.raises(IllegalTransitionError, match=f"execution run-1 has ended: it is {ended}"):
        cancel(project)
    assert project.executions() == before


def test_a_run_that_waits_can_be_cancelled(project: Project) -> None:
    begun(project, None)
    project.ask(lambda state: state.update_execution_status("run-1", "waiting", waiting_for="person"))
    assert cancel(project).told is None
    assert status(project) == [("cancelled", False)]


def test_a_run_on_another_host_is_cancelled_there_or_once_it_is_silent(project: Project) -> None:
    begun(project, "elsewhere:4711:boot.1.2:x")
    with pytest.raises(ExecutionHeldError) as refused:
        cancel(project)
    assert str(refused.value) == (
        "execution run-1 is being worked on by process 4711 on elsewhere, which cannot be stopped from here"
    )
    assert str(refused.value.hint).startswith(
        "run `adw cancel run-1` there, or wait until it is silent for 60 s"
    )
    assert status(project) == [("pending", True)]
    later = project.settings(clock=SettableClock("2031-01-01T00:00:00Z"))
    assert cancel_execution(later, "run-1").told is None
    assert status(project) == [("cancelled", False)]
    assert project.warnings() == [
        "process 4711 on elsewhere cannot be looked at from here; what its agent started there is not stopped"
    ]


def test_a_program_that_adw_did_not_start_is_not_ended(project: Project) -> None:
    with subprocess.Popen(["sleep", "300"]) as program:
        try:
            begun(project, f"{host_name()}:{program.pid}:{process_mark(program.pid)}:x")
            with pytest.raises(ExecutionHeldError, match="a program that was not started by adw"):
                cancel(project)
            assert program.poll() is None
            assert status(project) == [("pending", True)]
        finally:
            program.kill()
    assert cancel(project).told is None
    assert status(project) == [("cancelled", False)]


def test_a_run_that_is_kept_in_json_only_can_be_cancelled(project: Project) -> None:
    project.config = project.config._replace(use_beads_state=False)
    with run_apart(project, "--hang", "build") as process:
        agent = agent_of(project, "build")
        cancelled = cancel(project)
        process.wait()
    assert process_mark(agent) is None
    assert cancelled.told == process.pid
    state = json.loads((project.path / ".adw" / "agents" / "run-1" / "adw_state.json").read_text())
    assert state["status"] == "cancelled"
