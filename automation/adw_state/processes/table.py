"""The processes of this machine, read from `/proc`; and signals that reach the process that was meant.

A process is known by its number and its start, for the number alone may have gone to another since. Where
the system has no `/proc`, no process is seen here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from adw_state.store.owner import process_mark

# Of /proc/PID/stat, counted from the field behind the command's name.
_STATE, _PARENT, _GROUP, _SESSION, _THREADS, _START = 0, 1, 2, 3, 17, 19


class Process(NamedTuple):
    """A process, as it was when the table was read. `started` is in the kernel's ticks since the boot."""

    pid: int
    started: int
    parent: int
    group: int
    session: int
    is_alive: bool
    """False for a zombie, unless only the first of its threads has ended."""


def can_be_read() -> bool:
    """Whether the system shows its processes."""
    return Path("/proc/self/stat").exists()


def process_table() -> list[Process]:
    """All processes, zombies too."""
    if not can_be_read():
        return []
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - no paths needed
    return [found for number in numbers if (found := look_at(number)) is not None]


def look_at(pid: int) -> Process | None:
    """The process with this number; None where there is none."""
    stat = _read(pid, "stat")
    if not stat:
        return None
    # The command's name, in brackets, may itself hold blanks and brackets.
    fields = stat[stat.rindex(b")") + 2 :].split(maxsplit=_START + 1)
    started, parent, group, session = (int(fields[at]) for at in (_START, _PARENT, _GROUP, _SESSION))
    is_dead = fields[_STATE] in (b"Z", b"X") and int(fields[_THREADS]) <= 1
    return Process(pid, started, parent, group, session, not is_dead)


def environment_of(pid: int) -> list[bytes] | None:
    """The environment that a process of this user was started with; None where it is hidden, or another's."""
    status, environment = _read(pid, "status"), _read(pid, "environ")
    if not status or environment is None:
        return None
    user = status.partition(b"\nUid:")[2].split(maxsplit=1)[0]
    return environment.split(b"\0") if int(user) == os.getuid() else None


def limit_of(pid: int, name: str) -> int | None:
    """The soft limit of a process that `/proc` calls `name`; None where there is none."""
    _, _, limits = (_read(pid, "limits") or b"").partition(b"\n" + name.encode())
    soft = limits.split(maxsplit=1)[:1]
    return int(soft[0]) if soft and soft[0].isdigit() else None


def _read(pid: int, name: str) -> bytes | None:
    """A file of a process; None where it cannot be read. As fast as it can be, for there are many."""
    try:
        with os.fdopen(os.open(f"/proc/{pid}/{name}", os.O_RDONLY), "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None


def tell(process: Process, number: int) -> bool:
    """Send a signal to this very process; whether it could be sent."""

    def is_it() -> bool:
        found = look_at(process.pid)
        return found is not None and found.started == process.started

    return _send(process.pid, is_it, number)


def tell_marked(pid: int, mark: str, number: int) -> bool:
    """Send a signal to the process with this `process_mark`; whether it could be sent."""
    return _send(pid, lambda: process_mark(pid) == mark, number)


def _send(pid: int, is_it: Callable[[], bool], number: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        descriptor = _descriptor_of(pid)
        try:
            # The number may have gone to another before; what the descriptor stands for stays the same.
            if not is_it():
                return False
            if descriptor is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
            return True
        finally:
            if descriptor is not None:
                os.close(descriptor)
    return False


def _descriptor_of(pid: int) -> int | None:
    """A descriptor of a living process; None where the kernel or a container's rules have none."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (OSError, AttributeError):
        return None
