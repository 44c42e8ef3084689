"""Runs where there is no database: what its constraints would refuse is refused here, under a lock.

Where a database is used, its fence decides who may write; `hold_run` keeps two processes of one machine
apart also where there is only JSON. The kernel gives that lock back when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from adw_state.clock import Clock
from adw_state.errors import (
    ExecutionHeldError,
    IllegalTransitionError,
    InvalidInputError,
    StateFileError,
    command_on,
)
from adw_state.run_root import agents_folder
from adw_state.state import ADWState, Attempt, Execution
from adw_state.store.executions import issue_claimed
from adw_state.store.owner import Life, life_of
from adw_state.store.records import UNFINISHED
from adw_state.store.sqlite.gate import Gate
from adw_state.workflow.record.json_store import JsonStore

_GATE_SECONDS = 10.0
_LOCK = "run.lock"


def begin_in_json(project: Path, run: JsonStore, execution: Execution, clock: Clock) -> None:
    """Save a new execution; raises `IssueClaimedError` when it claims an issue that another run holds."""
    folder = agents_folder(project)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateFileError(
            f"{folder} cannot be made: {error.strerror}", hint="check the permissions of the project's folder"
        ) from error
    with closing(Gate(folder, _GATE_SECONDS)) as gate, gate:
        holder = next(unfinished_in_json(project, execution.issue_id, clock), None)
        if holder is not None and execution.claimed:
            raise issue_claimed(execution.issue_id, holder.id, _life(holder, project, clock))
        run.note_execution(execution)


def _life(holder: Execution, project: Path, clock: Clock) -> Life | None:
    run = JsonStore.load(holder.id, project, clock)
    attempts = [] if run is None else run.attempts()
    return life_of(
        holder,
        has_open_attempt=any(attempt.status == "in_progress" for attempt in attempts),
        now=clock.now(),
    )


def taken_over(run: JsonStore, owner: str, moment: datetime) -> tuple[Execution, list[Attempt]]:
    """The execution and its attempts as a new owner has them; nothing is saved.

    Raises `IllegalTransitionError` when it is completed.
    """
    execution = run.execution()
    if execution.status == "completed":
        raise IllegalTransitionError(
            f"execution {execution.id} is completed; there is nothing left to do",
            hint=f"start a new one with `{command_on('adw run', execution.issue_id)}`",
        )
    reason = "the process that ran this attempt ended before the attempt did"
    attempts = [
        replace(old, status="interrupted", finished_at=moment, error_message=reason)
        if old.status == "in_progress"
        else old
        for old in run.attempts()
    ]
    owned = replace(
        execution,
        status="in_progress",
        completed_at=None,
        error_message=None,
        owner=owner,
        fence=execution.fence + 1,
        claimed=execution.claimed
        or execution.status not in UNFINISHED,  # what had ended holds its issue again
        heartbeat_at=moment,
        updated_at=moment,
        waiting_for=None,
        waiting_until=None,
        release_by=None,
    )
    return owned, attempts


def ids_in_json(project: Path, beginning: str, clock: Clock) -> list[str]:
    """The ids that begin so, of runs that have a state."""
    folder = agents_folder(project)
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return [
        name
        for name in names
        if name.startswith(beginning) and ADWState(name, project, clock=clock).path.is_file()
    ]


def unfinished_in_json(project: Path, issue_id: str, clock: Clock) -> Iterator[Execution]:
    """The runs of an issue that their states call unfinished; states that cannot be read do not count."""
    folder = agents_folder(project)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        with suppress(StateFileError, InvalidInputError):
            run = JsonStore.load(entry.name, project, clock)
            execution = None if run is None else run.execution()
            if execution and execution.issue_id == issue_id and execution.status in UNFINISHED:
                yield execution


@contextmanager
def hold_run(folder: Path, *, force: bool = False) -> Iterator[None]:
    """Hold the lock of a run's folder, which is made if need be, while the block runs.

    With `force` the block runs without the lock where somebody has it, and so it does on filesystems
    that know no locks. Raises `ExecutionHeldError`.
    """
    descriptor = _open(folder)
    try:
        _lock(descriptor, folder, force=force)
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateFileError(
            f"{folder} cannot be written: {error.strerror}",
            hint="check the permissions and the free disk space",
        ) from error


def _lock(descriptor: int, folder: Path, *, force: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if not force:
            raise ExecutionHeldError(
                f"execution {folder.name} is being worked on by another process of this machine",
                hint="wait for it, stop that process, or take it over with --force",
            ) from error
    except OSError:
        return
