"""Real processes for tests: many at once, one that is killed or stopped at a chosen moment.

The children are forks of the test process, so what they run is an ordinary function; they end without
running any of pytest's code.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

_NOBODY = 65534


class ChildError(AssertionError):
    """A child process ended with an exception; the message is its traceback."""


def open_files() -> int | None:
    """How many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else None


def run_together(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of all works, each run in its own process, all let go at the same moment."""
    start, go = os.pipe()
    children = [_fork(work, start, go) for work in works]
    os.close(start)
    os.close(go)  # the end of the file is the signal
    return [_result(pid, answer) for pid, answer in children]


def run_apart(work: Callable[[], Any]) -> Any:
    """The result of the work, run in a process of its own."""
    return run_together([work])[0]


class Child:
    """A process that says when it has come to a certain point, and then waits to be dealt with."""

    def __init__(self, pid: int, said: int, may_go: int) -> None:
        self.pid = pid
        self._said = said
        self._may_go = may_go
        self._ended = False

    def wait_until_it_is_there(self) -> None:
        """Return when the child has called `here`."""
        assert os.read(self._said, 1) == b"!", "the child ended before it came to the point"

    def let_go(self) -> None:
        """Let the child go on from `here`."""
        os.write(self._may_go, b"!")

    def kill(self) -> None:
        """SIGKILL the child and reap it."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def stop(self) -> None:
        """SIGSTOP the child and return when it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def resume(self) -> None:
        """SIGCONT the child."""
        os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> int:
        """How the child ended: its exit code, or minus the signal that ended it."""
        _, status = os.waitpid(self.pid, 0)
        self._ended = True
        return os.waitstatus_to_exitcode(status)

    def clean_up(self) -> None:
        """End the child if it still lives."""
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self._said)
        os.close(self._may_go)


@contextmanager
def child(work: Callable[[Callable[[], None]], None]) -> Iterator[Child]:
    """A process that runs `work(here)`; where it calls `here()`, it stands until it is let go."""
    said, say = os.pipe()
    allowed, allow = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(said)
        os.close(allow)

        def here() -> None:
            os.write(say, b"!")
            os.read(allowed, 1)

        _end_child(lambda: work(here))
    os.close(say)
    os.close(allowed)
    process = Child(pid, said, allow)
    try:
        yield process
    finally:
        process.clean_up()


def _fork(work: Callable[[], Any], start: int, go: int) -> tuple[int, int]:
    answer, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(start, 1)
        _end_child(lambda: _tell_result(work, tell))
    os.close(tell)
    return pid, answer


def _tell_result(work: Callable[[], Any], tell: int) -> None:
    try:
        said = (True, work())
    except BaseException:  # noqa: BLE001 - whatever it was, the parent raises it
        said = (False, traceback.format_exc())
    with os.fdopen(tell, "wb") as pipe:
        pickle.dump(said, pipe)


def _result(pid: int, answer: int) -> Any:
    with os.fdopen(answer, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not said:
        raise ChildError(f"the child said nothing and ended with {os.waitstatus_to_exitcode(status)}")
    well, value = pickle.loads(said)
    if not well:
        raise ChildError(value)
    return value


def _end_child(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    except BaseException:  # noqa: BLE001 - nothing may get past into pytest's code
        traceback.print_exc(file=sys.__stderr__)
        os._exit(70)
    os._exit(0)


def run_as_ordinary_user(work: Callable[[], Any]) -> Any:
    """The result of the work, run in a process that file permissions apply to, even where we are root."""

    def become_ordinary() -> Any:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        return work()

    return run_apart(become_ordinary)
