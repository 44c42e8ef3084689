"""Runs where there is no database: what its constraints would refuse is refused here, under a lock.

Where a database is used, its fence decides who may write; `hold_run` keeps two processes of one machine
apart also where there is only JSON. The kernel gives that lock back when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from adw_state.clock import Clock
from adw_state.errors import (
    ExecutionHeldError,
    InvalidInputError,
    StateFileError,
)
from adw_state.gate import Gate
from adw_state.record.json_store import JsonStore
from adw_state.record.store import SavedStep
from adw_state.run_root import agents_folder
from adw_state.state import ADWState, Execution
from adw_state.store.executions import issue_claimed
from adw_state.store.owner import Life, life_of
from adw_state.store.records import UNFINISHED
from adw_state.text_files import writing

_GATE_SECONDS = 10.0
_LOCK = "run.lock"


class JsonRuns:
    """The JSON states of a project's runs."""

    def __init__(self, project: Path, clock: Clock) -> None:
        self._project = project
        self._clock = clock

    def of(self, execution_id: str) -> JsonStore:
        """The state of a run that may not be saved. Raises `InvalidInputError` for what is no id."""
        return JsonStore(ADWState(execution_id, self._project, clock=self._clock), self._project, self._clock)

    def load(self, execution_id: str) -> JsonStore | None:
        """The state of a run, or None if there is none. Raises `StateFileError`."""
        state = ADWState.load(execution_id, self._project, clock=self._clock)
        return None if state is None else JsonStore(state, self._project, self._clock)

    def begin(self, run: JsonStore, execution: Execution, steps: Sequence[SavedStep]) -> None:
        """Save a new execution; raises `IssueClaimedError` when it claims an issue that another run holds."""
        folder = agents_folder(self._project)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with closing(Gate(folder, _GATE_SECONDS)) as gate, gate:
            holder = next(self.unfinished(execution.issue_id), None)
            if holder is not None and execution.claimed:
                raise issue_claimed(execution.issue_id, holder.id, self._life(holder))
            run.copy(execution, [], steps)

    def ids(self, beginning: str) -> list[str]:
        """The ids that begin so, of runs that have a state."""
        return [name for name in self._names() if name.startswith(beginning) and self.of(name).exists]

    def unfinished(self, issue_id: str) -> Iterator[Execution]:
        """The runs of an issue that their states call unfinished; states that cannot be read do not count."""
        for name in self._names():
            with suppress(StateFileError, InvalidInputError):
                run = self.load(name)
                execution = None if run is None else run.execution()
                if execution and execution.issue_id == issue_id and execution.status in UNFINISHED:
                    yield execution

    def _names(self) -> list[str]:
        folder = agents_folder(self._project)
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def _life(self, holder: Execution) -> Life | None:
        run = self.load(holder.id)
        is_open = run is not None and any(attempt.status == "in_progress" for attempt in run.attempts())
        return life_of(holder, has_open_attempt=is_open, now=self._clock.now())


@contextmanager
def hold_run(folder: Path, *, force: bool = False) -> Iterator[None]:
    """Hold the lock of a run's folder, which is made if need be, while the block runs.

    With `force` the block runs without the lock where somebody has it, and so it does on filesystems
    that know no locks. Raises `ExecutionHeldError`.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, folder, force=force)
        yield
    finally:
        os.close(descriptor)


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
