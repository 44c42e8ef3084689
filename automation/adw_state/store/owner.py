"""Who holds an execution, named so that a dead holder is recognised at once, and whether that one lives.

An owner is `host:pid:start:random`. `start` tells this process from a later one with the same pid: on
Linux it is the boot, the pid namespace and the kernel's start tick; elsewhere what `ps` prints.
`random` tells two runs inside one process apart. Only an answer that is certain is given: a process on
another host, in another boot or in another namespace may live or not, and then the lease decides.

alive     its process runs, or has given a sign of life within its lease
silent    its lease is over, and its process is on another host or cannot be seen from here
dead      its process has ended, in the middle of an attempt
stopped   its process has ended between two attempts: it was told to stop, or interrupted
waiting   it has no process, because it waits for a person, a limit or an event
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from adw_state import built_in
from adw_state.clock import seconds_before
from adw_state.store.records import Execution

State: TypeAlias = Literal["alive", "silent", "dead", "stopped", "waiting"]

_WAITS = {"person": "for a person", "limit": "for a limit to pass", "event": "for an event"}
_NAMED = re.compile(r"(?P<host>[^:]+):(?P<pid>[1-9][0-9]{0,9}):(?P<mark>[^:]+):[^:]*")
_LARGEST_PID = 2**31 - 1
# In what `_stat_of` returns.
_THREADS = 17
_DEAD = (b"Z", b"X")


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


class Life(NamedTuple):
    """How it stands with an execution's owner, and when that last gave a sign of life."""

    state: State
    last_sign_at: datetime | None
    waits: str | None = None
    """For what it waits, and until when, in words."""

    @property
    def is_over(self) -> bool:
        """Whether `adw resume` may go on with the execution at once."""
        return self.state != "alive"

    @property
    def why(self) -> str:
        """What the state was told from, in words; empty for one that is alive."""
        if self.state == "silent":
            since = f"{self.last_sign_at:%Y-%m-%d %H:%M:%S} UTC" if self.last_sign_at else "its beginning"
            return f"no sign of life since {since}"
        told = {"dead": "its process is gone", "stopped": "its process has ended", "waiting": self.waits}
        return told.get(self.state) or ""


def life_of(
    execution: Execution,
    *,
    has_open_attempt: bool,
    now: datetime,
    lease_seconds: float = built_in.LEASE_SECONDS,
) -> Life | None:
    """How it stands with an unfinished execution; None where it has no owner to ask for and does not wait."""
    last_sign_at = execution.heartbeat_at
    if execution.status == "waiting":
        return Life("waiting", last_sign_at, _in_words(execution))
    if execution.owner is None:
        return None
    is_dead = owner_is_dead(execution.owner)
    if is_dead:
        return Life("dead" if has_open_attempt else "stopped", last_sign_at)
    is_silent = last_sign_at is None or last_sign_at < seconds_before(now, lease_seconds)
    return Life("silent" if is_dead is None and is_silent else "alive", last_sign_at)


def process_of(owner: str | None) -> tuple[int, str] | None:
    """Pid and mark of the process that an owner names; None where it names one of another host, or none."""
    named = _NAMED.fullmatch(owner or "")
    return (int(named["pid"]), named["mark"]) if named and named["host"] == host_name() else None


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
        fields = _stat_of(pid)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return None
    if _is_dead(fields):
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
        return _is_dead(_stat_of(pid)) or None
    except ProcessLookupError:
        return True
    except OSError:
        return None


def _is_dead(fields: list[bytes]) -> bool:
    """Whether nothing of a process runs: the first of its threads may have ended before the others."""
    return fields[0] in _DEAD and int(fields[_THREADS]) <= 1


def _stat_of(pid: int) -> list[bytes]:
    """The fields of a process behind its command's name, which may itself hold blanks and brackets."""
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    return stat[stat.rindex(b")") + 2 :].split()


def _in_words(execution: Execution) -> str:
    until = execution.waiting_until
    moment = f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
    return _WAITS.get(execution.waiting_for or "", "for something") + moment
