"""All processes of a call of an agent or a command: how they are known from all others, and ended.

Agents start commands in sessions of their own, and commands become daemons; so the process group is not
enough. Every process of a call therefore inherits two marks: a variable in its environment, and a limit
that nothing keeps to. A daemon that cleans its environment has the second one still. Both outlive the
process that made the call, so the next run finds what a killed one left behind.

The limit is that on the time of real-time processes (`RLIMIT_RTTIME`, in microseconds), some 36,000 years.
A process counts only if it began after its call did, belongs to this user and shows its environment, or is in
the call's process group. Where the system has no `/proc`, the group is all that is known.
"""

from __future__ import annotations

import functools
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from adw_state.processes.orphans import living_orphans
from adw_state.processes.table import (
    Process,
    can_be_read,
    environment_of,
    limit_of,
    process_table,
    tell,
)
from adw_state.store.owner import process_mark

_VARIABLE = "ADW_AGENT_CALL"
_LIMIT = "Max realtime timeout"
_LEAST_LIMIT = 1 << 60
_DIGITS_IN_LIMIT = 14
_POLL_SECONDS = 0.02
_AFTER_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one call; `token` is 32 random hexadecimal digits."""

    token: str

    @classmethod
    def new(cls) -> Marks:
        """Marks that no other call has."""
        return cls(secrets.token_hex(16))

    def in_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` with the variable. A call within a call keeps the marks of both."""
        tokens = (environ.get(_VARIABLE), self.token)
        return {**environ, _VARIABLE: ":".join(token for token in tokens if token)}

    def put_on(self, pid: int) -> bool:
        """Give a child of ours the limit; whether it has it. The system or a lower limit may forbid that."""
        import resource

        with suppress(OSError, ValueError, AttributeError):
            _, highest = resource.prlimit(pid, resource.RLIMIT_RTTIME)
            resource.prlimit(pid, resource.RLIMIT_RTTIME, (self._limit, highest))
        return limit_of(pid, _LIMIT) == self._limit

    def are_on(self, pid: int) -> bool:
        """Whether a process of this user has one of the two; False where its environment is hidden."""
        environment = environment_of(pid)
        if environment is None:
            return False
        name, token = f"{_VARIABLE}=".encode(), self.token.encode()
        is_named = any(word.startswith(name) and token in word for word in environment)
        return is_named or limit_of(pid, _LIMIT) == self._limit

    @property
    def _limit(self) -> int:
        return _LEAST_LIMIT + int(self.token[:_DIGITS_IN_LIMIT], 16)


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the process that it began with, which leads its group, and its marks.

    `mark` is the `process_mark` of the leader, None where that was not known. `adopts` is true while this
    process adopts orphans (`orphans`), because the limit could not be given.
    """

    leader: int
    mark: str | None
    marks: Marks
    adopts: bool = False

    @property
    def is_led(self) -> bool:
        """Whether the process that it began with lives."""
        return self.mark is not None and process_mark(self.leader) == self.mark

    def living(self) -> list[Process]:
        """Its living processes; our own is never one of them."""
        place, _, tick = (self.mark or "").rpartition(".")
        here = (process_mark(os.getpid()) or "").rpartition(".")[0]
        # Numbers and starts are compared within one boot and namespace only.
        since = int(tick) if place == here and tick.isdigit() else None
        table = [found for found in process_table() if since is None or found.started >= since]
        ours = {found for found in table if found.is_alive and self.marks.are_on(found.pid)}
        has_leader = since is not None and any((p.pid, p.started) == (self.leader, since) for p in table)
        if has_leader or any(found.group == self.leader for found in ours):
            ours.update(found for found in table if found.is_alive and found.group == self.leader)
        if self.adopts:
            ours |= living_orphans(table)
        return [found for found in ours if found.pid != os.getpid()]


def stop_call(call: Call, grace_seconds: float, *, holds_leader: bool = False) -> bool:
    """End the processes of a call: SIGTERM, `grace_seconds` to comply, SIGKILL.

    `holds_leader` says that its leader is a child of ours that nobody has waited for: then its number, which
    is that of the group, cannot have gone to another. Returns whether none is left.
    """
    living: Callable[[], list[Process]] = call.living
    if not can_be_read():
        if not (holds_leader or call.is_led):
            return True
        living, holds_leader = functools.partial(_group_by_ps, call.leader), True
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _AFTER_KILL_SECONDS)):
        if holds_leader:
            # All at once, so that none escapes by a fork. macOS refuses where only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(call.leader, number)
        if _have_ended(living, number, patience):
            return True
    return not living()


def _have_ended(living: Callable[[], list[Process]], number: int, patience: float) -> bool:
    """Signal each process once, also those that come, until none is left or the patience is at its end."""
    told: set[tuple[int, int]] = set()
    # Real time, because the processes live in it.
    deadline = time.monotonic() + patience
    while found := living():
        for process in found:
            if (process.pid, process.started) not in told:
                tell(process, number)
                told.add((process.pid, process.started))
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _group_by_ps(group: int) -> list[Process]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [
        Process(int(row[0]), 0, 0, group, 0, is_alive=True)
        for row in rows
        if len(row) == 3 and int(row[1]) == group and row[2][0] != "Z"
    ]
