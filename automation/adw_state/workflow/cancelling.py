"""Cancelling a run from outside: its process is told to stop, and the execution ends as cancelled.

The process stops its agent by itself, as after Ctrl-C. One that does not end is killed, which loses
nothing: the run is then like any whose process died, and what its agent left running is stopped here.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from dataclasses import dataclass

from adw_state.agents.calls import stop_leftovers
from adw_state.errors import ExecutionHeldError, IllegalTransitionError, command_on
from adw_state.processes.table import tell_marked
from adw_state.record.json_runs import hold_run
from adw_state.record.records import Records, Seen
from adw_state.redaction import secret_values
from adw_state.state import Execution
from adw_state.store.owner import life_of, owner_in_words, owner_is_dead, process_of, this_owner
from adw_state.store.records import UNFINISHED
from adw_state.workflow.progress import Event, RunLog
from adw_state.workflow.requests import refuse_other_place
from adw_state.workflow.settings import RunSettings

_COMMAND = "adw cancel"
_PATIENCE_SECONDS = 30.0
_AFTER_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was done: the execution as it is now, the process that was told, and the groups it had left."""

    execution: Execution
    told: int | None
    stopped: list[int]


def cancel_execution(
    settings: RunSettings, execution_id: str, *, patience_seconds: float = _PATIENCE_SECONDS
) -> Cancelled:
    """End an unfinished execution as cancelled, with all that its agents started.

    Its process has `patience_seconds` to end by itself. Raises `ExecutionNotFoundError`,
    `IllegalTransitionError` for one that has ended, `ExecutionHeldError` where its process is on another
    host, is a program of the team's own, or cannot be ended, and `AgentLeftError`.
    """
    with closing(Records(settings.location, settings.config, settings.clock, settings.warn)) as records:
        seen = _unfinished(records, execution_id)
        execution_id = seen.execution.id
        refuse_other_place(seen.execution, seen.request, settings.location.project, _COMMAND)
        told = _end_process(settings, seen, patience_seconds)
        # It may have come to its end before it was told.
        _unfinished(records, execution_id)
        folder = records.folder(execution_id)
        with hold_run(folder):
            record = records.take_over(execution_id, this_owner(), force=False)
            stopped = stop_leftovers(folder, settings.agent_limits.grace_seconds)
            record.change("cancelled", error_message=f"cancelled by `{_COMMAND}`")
            secrets = secret_values(settings.environ)
            log = RunLog(record.execution, settings.location.project, settings.clock, secrets)
            log.write("WARNING", f"ADW workflow cancelled for issue #{record.execution.issue_id}")
            return Cancelled(record.execution, told, stopped)


def _unfinished(records: Records, execution_id: str) -> Seen:
    seen = records.look_at(execution_id)
    execution = seen.execution
    if execution.status not in UNFINISHED:
        raise IllegalTransitionError(
            f"execution {execution.id} has ended: it is {execution.status}",
            hint=f"there is nothing left to cancel; `{command_on('adw show', execution.id)}` tells of it",
        )
    return seen


def _process_at_work(settings: RunSettings, seen: Seen) -> tuple[int, str] | None:
    """Pid and mark of the process that works on an execution; None where nobody does any more.

    Raises `ExecutionHeldError` for one that is not ours to end.
    """
    execution, lease = seen.execution, settings.config.lease_seconds
    now = settings.clock.now()
    life = life_of(execution, has_open_attempt=False, now=now, lease_seconds=lease)
    process, who = process_of(execution.owner), owner_in_words(execution.owner)
    if life is not None and life.state == "silent":
        settings.warn(f"{who} cannot be looked at from here; what its agent started there is not stopped")
    if life is None or life.is_over:
        return None
    held, again = _held_by(execution), f"`{command_on(_COMMAND, execution.id)}`"
    if process is None or owner_is_dead(str(execution.owner)) is None:
        raise ExecutionHeldError(
            f"{held}, which cannot be stopped from here",
            hint=f"run {again} there, or wait until it is silent for {lease:g} s if that machine is gone",
        )
    if seen.request is None or process[0] == os.getpid():
        raise ExecutionHeldError(
            f"{held}, a program that was not started by adw", hint=f"end that program, then {again} again"
        )
    return process


def _end_process(settings: RunSettings, seen: Seen, patience_seconds: float) -> int | None:
    """End the process that works on an execution; its pid, or None where there was none."""
    process, execution, owner = _process_at_work(settings, seen), seen.execution, str(seen.execution.owner)
    if process is None:
        return None
    settings.progress(Event("message", f"asked {owner_in_words(owner)} to stop", execution_id=execution.id))
    for number, patience in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, _AFTER_KILL_SECONDS)):
        if not tell_marked(*process, number) or _ends(owner, patience):
            break
    if not owner_is_dead(owner):
        raise ExecutionHeldError(
            f"{_held_by(execution)}, which cannot be ended",
            hint="end it as the user whose process it is, then cancel again",
        )
    return process[0]


def _held_by(execution: Execution) -> str:
    return f"execution {execution.id} is being worked on by {owner_in_words(execution.owner)}"


def _ends(owner: str, patience_seconds: float) -> bool:
    # Real time, because the process lives in it.
    deadline = time.monotonic() + patience_seconds
    while not owner_is_dead(owner):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
