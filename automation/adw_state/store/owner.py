"""Who holds an execution, named so that a dead holder is recognised at once.

An owner is `host:pid:start:random`. `start` tells this process from a later one with the same pid: on
Linux it is the boot, the pid namespace and the kernel's start tick; elsewhere what `ps` prints.
`random` tells two runs inside one process apart. Only an answer that is certain is given: a process on
another host, in another boot or in another namespace may live or not, and then the lease decides.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAMED = re.compile(r"(?P<host>[^:]+):(?P<pid>[1-9][0-9]{0,9}):(?P<mark>[^:]+):[^:]*")
_LARGEST_PID = 2**31 - 1


def this_owner() -> str:
    """A new owner text for a run in this process."""
    mark = process_mark(os.getpid()) or "unknown"
    return f"{host_name()}:{os.getpid()}:{mark}:{os.urandom(4).hex()}"


def owner_is_dead(owner: str) -> bool | None:
    """Whether the process that `owner` names is gone; None where this host cannot tell."""
    named = _NAMED.fullmatch(owner)
    if named is None or named["host"] != host_name():
        return None
    pid, mark = int(named["pid"]), named["mark"]
    if mark == "unknown" or _place(mark) != _place(process_mark(os.getpid()) or ""):
        return None
    current = process_mark(pid)
    if current is not None:
        return current != mark
    return _is_gone(pid)


def owner_in_words(owner: str | None) -> str:
    """The process that an owner names, for people: `process 4711 on host`; any other text as it is."""
    named = _NAMED.fullmatch(owner or "")
    if named is None:
        return owner or "another run"
    return f"process {named['pid']} on {named['host']}"


def process_mark(pid: int) -> str | None:
    """What tells the living process `pid` from any other that ever had this number; None if it is dead.

    A zombie counts as dead. The text holds letters, digits, dots and dashes only.
    """
    if Path("/proc/self/stat").exists():
        return _linux_mark(pid)
    return _ps_mark(pid)


def host_name() -> str:
    """This machine's name, without the separator of an owner."""
    return os.uname().nodename.replace(":", "-") or "localhost"


def _place(mark: str) -> str:
    """The boot and namespace of a mark, within which pids can be compared."""
    return mark.rpartition(".")[0]


def _linux_mark(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return None
    # The command's name, in brackets, may itself hold blanks and brackets.
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return f"{boot}.{''.join(filter(str.isdigit, namespace))}.{fields[19].decode('ascii')}"


def _ps_mark(pid: int) -> str | None:
    import subprocess

    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, env={"LC_ALL": "C"}
    )
    state, _, started = found.stdout.strip().partition(" ")
    if found.returncode != 0 or not started or state.startswith("Z"):
        return None
    return "ps." + "-".join("".join(c if c.isalnum() else " " for c in started).split())


def _is_gone(pid: int) -> bool | None:
    """Whether no process has this number (a zombie counts as none); None where that is hidden from us."""
    if pid > _LARGEST_PID:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return None
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return stat[stat.rindex(b")") + 2 :][:1] in (b"Z", b"X") or None
