"""Stopping all processes of an agent: its group, which it leads, and what a dead leader left in it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.02
_AFTER_KILL_SECONDS = 5.0


def group_members(group: int) -> list[int]:
    """The living processes of a process group; zombies do not count."""
    if Path("/proc/self/stat").exists():
        return [pid for pid, (state, its) in _linux_processes().items() if its == group and state not in "ZX"]
    return _ps_members(group)


def stop_group(group: int, grace_seconds: float, reap: Callable[[], object] = lambda: None) -> bool:
    """End every process of a group: SIGTERM, `grace_seconds` to comply, SIGKILL.

    `reap` is called while waiting, so that a parent can collect its child. Returns whether the group is
    empty now.
    """
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _AFTER_KILL_SECONDS)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            # macOS says so when only zombies are left.
            return not group_members(group)
        # Real time, because the processes live in it.
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap()
            if not group_members(group):
                return True
            time.sleep(_POLL_SECONDS)
    return not group_members(group)


def has_marker(pid: int, marker: str) -> bool:
    """Whether a process was started with this `NAME=value` in its environment; False where hidden."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return marker.encode() in environment.split(b"\0")


def _linux_processes() -> dict[int, tuple[str, int]]:
    """State and group of every process, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_bytes()
        except OSError:
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        found[int(entry.name)] = (fields[0].decode("ascii"), int(fields[2]))
    return found


def _ps_members(group: int) -> list[int]:
    import subprocess

    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and int(row[1]) == group and row[2][0] != "Z"]
