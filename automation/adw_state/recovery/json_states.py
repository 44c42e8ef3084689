"""Runs in a project's JSON states, as our own workflow writes them beside the database or without it.

    <run root>/agents/<adw_id>/adw_state.json            the execution and its attempts
    <run root>/agents/<adw_id>/<phase>/checkpoints.json  its steps

`adw restore` reads them all. Runs that began or went on in JSON alone come into the database by themselves as
soon as it is there again: whatever opens the database of a project reconciles them first. Usually there is
nothing to do, which one look at a folder tells. No state is ever written here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adw_state.configuration.settings import load_config
from adw_state.errors import AdwError
from adw_state.json_state import STATE_NAME, ADWState
from adw_state.run_json import read_run
from adw_state.run_root import agents_folder, forget_json_only, json_only_runs
from adw_state.state import BeadsStateManager
from adw_state.store.importing import Tally
from adw_state.store.owner import owner_is_dead
from adw_state.store.records import UNFINISHED
from adw_state.store.runs import RowCounts, RunRows, StoredRow


@dataclass(slots=True)
class JsonStates:
    """The states of one project; what was passed over is noted while they are read."""

    project: Path
    foreign: int = 0
    """States of other programs: they say too little to be an execution, and are left alone."""
    unreadable: list[str] = field(default_factory=list)
    """What is wrong with each state that cannot be read, in sentences."""

    @property
    def folder(self) -> Path:
        """Where the states lie."""
        return agents_folder(self.project)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of what was read, in sentences."""
        return (f"{self.foreign:,} states are not of our making and are left alone",) if self.foreign else ()

    def runs(self) -> Iterator[RunRows]:
        """Every run of ours, in order of its id."""
        self.foreign = 0
        self.unreadable.clear()
        for name in sorted(path.parent.name for path in self.folder.glob(f"*/{STATE_NAME}")):
            try:
                state = ADWState.load(name, self.project)
                run = None if state is None else read_run(state)
            except AdwError as error:
                self.unreadable.append(f"{name}: {error}")
                continue
            if run is None:
                self.foreign += 1
            else:
                yield run

    contents = runs

    def executions(self) -> Iterator[StoredRow]:
        """The executions of these runs."""
        return (run.execution for run in self.runs())

    def summary(self) -> tuple[RowCounts, str | None]:
        """How many rows the states hold, and when an execution in them was changed last (stored text)."""
        executions = attempts = checkpoints = 0
        newest: str | None = None
        for run in self.runs():
            executions += 1
            attempts += len(run.attempts)
            checkpoints += len(run.checkpoints)
            newest = max(newest or "", str(run.execution.values["updated_at"]))
        return RowCounts(executions, attempts, checkpoints), newest


def reconcile_json_runs(state: BeadsStateManager, project: Path) -> Tally:
    """Bring in every run that was written to JSON alone; what came in.

    One that cannot come in now, because its state cannot be read or the database not be written, stays
    noted for the next time, and so does one that is still being written. Where the project wants JSON only,
    nothing comes in.
    """
    tally = Tally()
    if load_config(project, os.environ).use_beads_state is False:
        return tally
    for execution_id in json_only_runs(project):
        try:
            tally += reconcile_json_run(state, project, execution_id)
        except AdwError:
            continue
    return tally


def reconcile_json_run(state: BeadsStateManager, project: Path, execution_id: str) -> Tally:
    """Bring in what the JSON state of one run has and the database lacks. Raises `AdwError`."""
    saved = ADWState.load(execution_id, project)
    run = None if saved is None else read_run(saved)
    tally = Tally() if saved is None or run is None else state.import_run(run, str(saved.path))
    if run is None or not _goes_on(run):
        forget_json_only(project, execution_id)
    return tally


def _goes_on(run: RunRows) -> bool:
    """Whether a process may still be writing it."""
    execution = run.execution.values
    owner = execution["owner"]
    return execution["status"] in UNFINISHED and isinstance(owner, str) and not owner_is_dead(owner)
