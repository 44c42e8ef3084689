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

_PROC = Path("/proc")
# Of /proc/PID/stat, counted from the field behind the command's name.
_STATE, _PARENT, _GROUP, _SESSION, _START = 0, 1, 2, 3, 19


class Process(NamedTuple):
    """A process, as it was when the table was read. `started` is in the kernel's ticks since the boot."""

    pid: int
    started: int
    parent: int
    group: int
    session: int
    is_alive: bool
    """False for a zombie."""


def can_be_read() -> bool:
    """Whether the system shows its processes."""
    return (_PROC / "self" / "stat").exists()


def process_table() -> list[Process]:
    """All processes, zombies too."""
    numbers = (
        [int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdigit()] if can_be_read() else []
    )
    return [found for number in numbers if (found := look_at(number)) is not None]


def look_at(pid: int) -> Process | None:
    """The process with this number; None where there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The command's name, in brackets, may itself hold blanks and brackets.
    fields = stat[stat.rindex(b")") + 2 :].split()
    started, parent, group, session = (int(fields[at]) for at in (_START, _PARENT, _GROUP, _SESSION))
    return Process(pid, started, parent, group, session, fields[_STATE] not in (b"Z", b"X"))


def environment_of(pid: int) -> list[bytes] | None:
    """The environment that a process of this user was started with; None where it is hidden, or another's."""
    try:
        status = (_PROC / str(pid) / "status").read_bytes()
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    user = status.partition(b"\nUid:")[2].split(maxsplit=1)[0]
    return environment.split(b"\0") if int(user) == os.getuid() else None


def limit_of(pid: int, name: str) -> int | None:
    """The soft limit of a process that `/proc` calls `name`; None where there is none."""
    try:
        lines = (_PROC / str(pid) / "limits").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    words = next((line.removeprefix(name).split() for line in lines if line.startswith(name)), ["unlimited"])
    return int(words[0]) if words[0].isdigit() else None


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
