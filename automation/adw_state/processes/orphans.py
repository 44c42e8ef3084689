"""Orphans: processes that outlive their parents, handed to this process instead of to the first one.

That is how those daemons of a call are found that have cleaned their environment, where the mark that stays
cannot be given (`call_processes`). Only on Linux, and only while such a call runs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from adw_state.processes.table import Process, process_table

# <linux/prctl.h>
_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37
_lock = threading.Lock()
_before: list[int] = []
"""One for each call that adopts: whether this process did so before."""


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Adopt descendants of this process that lose their parents, while the block runs."""
    with _lock:
        _before.append(_adopts())
        _adopt(1)
    try:
        yield
    finally:
        reap_orphans()
        with _lock:
            adopted_before = _before.pop()
            _adopt(adopted_before)


def living_orphans(table: list[Process]) -> set[Process]:
    """The adopted ones of a call, and their descendants; none while more calls than one adopt."""
    if len(_before) != 1:
        return set()
    found = {process for process in table if process.is_alive and _is_adopted(process)}
    while more := {process for process in table if process.parent in {one.pid for one in found}} - found:
        found |= more
    return {process for process in found if process.is_alive}


def reap_orphans() -> None:
    """Take note of the end of adopted ones, for whom nobody else waits.

    One that leads a session could be another's to wait for, and stays a zombie.
    """
    with suppress(ChildProcessError):
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
    for process in process_table():
        if not process.is_alive and _is_adopted(process):
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG)


def _is_adopted(process: Process) -> bool:
    """Whether a process was handed to this one, whose own children are in its session or lead theirs."""
    return process.parent == os.getpid() and process.session not in (os.getsid(0), process.pid)


def _adopts() -> int:
    import ctypes  # seldom needed, and slow to import

    answer = ctypes.c_int()
    ctypes.CDLL(None).prctl(_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return answer.value


def _adopt(flag: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, flag, 0, 0, 0)
