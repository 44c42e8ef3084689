"""Stopping stops everything that a call started, and nothing else."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import secrets
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adw_state.agents.calls import CallFolder, call_command, stop_leftovers
from adw_state.errors import AgentTimeoutError, RunInterruptedError
from adw_state.interruption import StopRequest
from adw_state.processes.call import Call, Marks
from adw_state.processes.orphans import adopting_orphans
from adw_state.processes.running import Conditions, Limits
from adw_state.processes.table import look_at, process_table, tell
from adw_state.store.owner import host_name, owner_is_dead, process_mark
from adws.tests.phases.daemons import Daemon
from adws.tests.phases.processes import call, run_apart, wait_until
from adws.tests.phases.projects import Project, acting_agent
from adws.tests.processes import child, run_as_ordinary_user
from adws.tests.processes import run_apart as in_a_process

ESCAPES = [(), ("stubborn",), ("orphan",), ("orphan", "clean"), ("orphan", "clean", "stubborn")]
# The system call that ends one thread.
END_OF_THREAD = {"x86_64": 60, "aarch64": 93}
TOKEN = secrets.token_hex(16)  # tests that run at the same time must not stop each other's processes
HARDEST = [("stubborn",), ("orphan", "clean")]


class StopsWhenThere(StopRequest):
    """Asks to stop as soon as a daemon is there."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def check(self) -> None:
        """See `StopRequest`."""
        if self._daemon.is_there:
            raise RunInterruptedError("enough")


def conditions(cwd: Path, *, timeout: float = 60, stop: StopRequest | None = None) -> Conditions:
    """What a command of a test runs under."""
    limits = Limits(timeout_seconds=timeout, grace_seconds=0.2)
    return Conditions(cwd, {"PATH": os.environ["PATH"]}, limits, stop or StopRequest())


@contextmanager
def ended_at_last(daemon: Daemon) -> Iterator[None]:
    """Whatever a test finds out, its daemon does not outlive it."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(daemon.pid, signal.SIGKILL)


@pytest.mark.parametrize("options", ESCAPES)
def test_what_a_command_left_running_is_stopped_at_its_normal_end(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    daemon = Daemon(tmp_path, *options)
    with ended_at_last(daemon):
        assert call_command(daemon.start, CallFolder(tmp_path / "call"), conditions(tmp_path)).exit_code == 0
        assert process_mark(daemon.pid) is None


@pytest.mark.parametrize("options", HARDEST)
def test_what_a_command_started_is_stopped_with_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    daemon = Daemon(tmp_path, *options)
    with ended_at_last(daemon):
        with pytest.raises(RunInterruptedError):
            call_command(
                f"{daemon.start}; sleep 300",
                CallFolder(tmp_path / "call"),
                conditions(tmp_path, stop=StopsWhenThere(daemon)),
            )
        assert process_mark(daemon.pid) is None


def test_what_a_command_started_is_stopped_at_its_time_out(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "stubborn")
    with ended_at_last(daemon):
        with pytest.raises(AgentTimeoutError):
            call_command(
                f"{daemon.start}; sleep 300", CallFolder(tmp_path / "call"), conditions(tmp_path, timeout=2)
            )
        assert daemon.is_there, "it must have begun for this test to mean anything"
        assert process_mark(daemon.pid) is None


@pytest.mark.parametrize("options", HARDEST)
def test_what_an_agent_started_is_stopped_by_resume_when_its_run_was_killed(
    project: Project, tmp_path: Path, options: tuple[str, ...]
) -> None:
    daemon = Daemon(tmp_path, *options)
    agent = acting_agent(tmp_path, plan=f"{daemon.start}; sleep 300")
    with ended_at_last(daemon):
        with run_apart(project, agent=agent) as process:
            assert process_mark(daemon.pid) is not None
            process.kill()
        # Also the agent itself is gone, so that only its marks tell whose the other one is.
        leader = json.loads((call(project, "plan") / "process.json").read_text())["pid"]
        os.killpg(leader, signal.SIGKILL)
        wait_until(lambda: process_mark(leader) is None)
        assert process_mark(daemon.pid) is not None
        assert project.resume("run-1").status == "completed"
        assert process_mark(daemon.pid) is None


def test_neither_other_children_nor_their_groups_are_touched(tmp_path: Path) -> None:
    with ExitStack() as stack:

        def bystander(**settings: bool) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(["sleep", "300"], **settings)  # type: ignore[call-overload]
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process  # type: ignore[no-any-return]

        class Starts(StopRequest):
            """Starts another child while the command runs."""

            def check(self) -> None:
                if len(others) == 2:
                    others.append(bystander(start_new_session=True))

        others = [bystander(), bystander(start_new_session=True)]
        folder = CallFolder(tmp_path / "call")
        end = call_command("sleep 0.1", folder, conditions(tmp_path, stop=Starts()))
        assert end.exit_code == 0
        assert [other.poll() for other in others] == [None, None, None]


def noted(run_folder: Path, pid: int, *, mark: str, token: str) -> CallFolder:
    """The folder of a call whose runner was killed, and which began with this process."""
    folder = CallFolder(run_folder / "plan" / "attempt-1")
    folder.prepare()
    identity = {"pid": pid, "mark": mark, "host": os.uname().nodename, "marker": token}
    folder.process.write_text(json.dumps(identity))
    return folder


@contextmanager
def sleeping(**environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own."""
    process = subprocess.Popen(["sleep", "300"], start_new_session=True, env={**os.environ, **environ})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def earlier(mark: str) -> str:
    """The mark of a process that began before that of `mark`."""
    place, _, tick = mark.rpartition(".")
    return f"{place}.{int(tick) - 1}"


def test_a_bystander_that_has_the_number_of_the_agents_group_is_not_touched(tmp_path: Path) -> None:
    with sleeping() as stranger, sleeping(ADW_AGENT_CALL=TOKEN) as left:
        mark = earlier(str(process_mark(stranger.pid)))
        noted(tmp_path, stranger.pid, mark=mark, token=TOKEN)
        assert stop_leftovers(tmp_path, 1.0) == [stranger.pid]
        assert (stranger.poll(), left.wait()) == (None, -signal.SIGTERM)


def test_what_an_agent_that_has_ended_left_running_says_nothing_of_its_answer(tmp_path: Path) -> None:
    with sleeping(ADW_AGENT_CALL=TOKEN) as left:
        folder = noted(tmp_path, left.pid, mark=earlier(str(process_mark(left.pid))), token=TOKEN)
        assert stop_leftovers(tmp_path, 1.0) == [left.pid]
        assert left.wait() == -signal.SIGTERM
        assert not folder.ended.exists()


def test_a_signal_does_not_reach_a_later_process_with_the_same_number() -> None:
    with sleeping() as later:
        meant = look_at(later.pid)
        assert meant is not None
        tell(meant._replace(started=meant.started - 1), signal.SIGKILL)
        tell(meant, signal.SIGTERM)
        assert later.wait() == -signal.SIGTERM


def test_without_descriptors_of_processes_signals_reach_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int) -> int:
        raise PermissionError(pid)

    monkeypatch.setattr(os, "pidfd_open", refused)
    test_a_signal_does_not_reach_a_later_process_with_the_same_number()


def test_a_call_within_a_call_has_the_marks_of_both() -> None:
    outer, inner = Marks.new(), Marks.new()
    environ = inner.in_environment(outer.in_environment(dict(os.environ)))
    with sleeping(ADW_AGENT_CALL=environ["ADW_AGENT_CALL"]) as process:
        wait_until(lambda: Marks.new().are_on(process.pid) or inner.are_on(process.pid))
        assert [marks.are_on(process.pid) for marks in (outer, inner, Marks.new())] == [True, True, False]


def become_another_user() -> None:
    """What only root may do."""
    os.setgroups([])
    os.setuid(65534)


def hide_the_environment() -> None:
    """As programs do that hold keys, such as ssh-agent."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def living_before_and_after(change: Callable[[], None]) -> list[int]:
    """How many processes with certain marks are seen before one of them changes, and afterwards."""
    marks = Marks.new()
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # an ordinary user's process is hidden already if it was root's

    def work(here: Callable[[], None]) -> None:
        here()
        change()
        here()

    with child(work) as process:
        process.wait_until_it_is_there()
        marks.put_on(process.pid)
        before = len(Call(process.pid, None, marks).living())
        process.let_go()
        process.wait_until_it_is_there()
        return [before, len(Call(process.pid, None, marks).living())]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees into processes of others")
def test_a_process_of_another_user_is_left_alone() -> None:
    assert living_before_and_after(become_another_user) == [1, 0]


def test_a_process_that_hides_its_environment_is_left_alone() -> None:
    assert run_as_ordinary_user(lambda: living_before_and_after(hide_the_environment)) == [1, 0]


def without_limits(work: Callable[[], Any]) -> Any:
    """The result of the work in a process whose children cannot be given the limit that marks them."""

    def lowered() -> Any:
        resource.setrlimit(resource.RLIMIT_RTTIME, (10**9, 10**9))
        return work()

    return in_a_process(lowered)


def adopts() -> int:
    """Whether this process adopts orphans."""
    answer = ctypes.c_int()
    ctypes.CDLL(None).prctl(37, ctypes.byref(answer), 0, 0, 0)
    return answer.value


def children() -> list[int]:
    """The children of this process, zombies too."""
    return [process.pid for process in process_table() if process.parent == os.getpid()]


@pytest.mark.parametrize("options", [("orphan", "clean"), ("orphan", "clean", "stubborn")])
def test_where_the_limit_cannot_be_given_daemons_are_adopted_and_stopped(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    daemon = Daemon(tmp_path, *options)

    def work() -> int:
        call_command(daemon.start, CallFolder(tmp_path / "call"), conditions(tmp_path))
        return adopts()

    with ended_at_last(daemon):
        assert without_limits(work) == 0
        assert process_mark(daemon.pid) is None


def test_a_process_that_adopts_orphans_takes_note_of_their_ends(tmp_path: Path) -> None:
    """Else a command that starts and leaves many would use up the numbers of processes."""
    ended = tmp_path / "ended"

    class Looks(StopRequest):
        """Asks to stop when an orphan has ended and nothing is left of it."""

        def check(self) -> None:
            if ended.exists() and len(children()) == 1:
                raise RunInterruptedError("nothing is left")

    def work() -> None:
        leave = f"setsid sh -c '(env -i true; echo > {shlex.quote(str(ended))}) & exit'"
        with pytest.raises(RunInterruptedError):
            call_command(
                f"{leave}; sleep 300", CallFolder(tmp_path / "call"), conditions(tmp_path, stop=Looks())
            )

    without_limits(work)


def test_other_children_are_not_taken_for_adopted_ones(tmp_path: Path) -> None:
    without_limits(lambda: test_neither_other_children_nor_their_groups_are_touched(tmp_path))


def test_of_two_calls_at_once_neither_ends_the_adoption_of_the_other() -> None:
    seen = [adopts()]
    one, other = adopting_orphans(), adopting_orphans()
    for step in (one.__enter__, other.__enter__):
        step()
        seen.append(adopts())
    for block in (one, other):
        block.__exit__(None, None, None)
        seen.append(adopts())
    assert seen == [0, 1, 1, 1, 0]


@pytest.mark.skipif(platform.machine() not in END_OF_THREAD, reason="the number of the call is not known")
def test_a_process_is_alive_until_its_last_thread_has_ended() -> None:
    """Else its locks would be asked for while it still has them."""

    def work(here: Callable[[], None]) -> None:
        threading.Thread(target=here).start()
        ctypes.CDLL(None).syscall(END_OF_THREAD[platform.machine()], 0)

    with child(work) as process:
        process.wait_until_it_is_there()
        mark = process_mark(process.pid)
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: ") Z " in stat.read_text())
        seen = look_at(process.pid)
        assert seen is not None
        assert seen.is_alive
        assert mark is not None
        assert process_mark(process.pid) == mark
        assert owner_is_dead(f"{host_name()}:{process.pid}:{mark}:x") is False
