"""Runs that began or went on in JSON alone come into the database as soon as it is there again.

By themselves: whatever opens the database of a project looks here first. Usually there is nothing to do,
which one look at a folder tells.
"""

from __future__ import annotations

import os
from pathlib import Path

from adw_state.config import load_config
from adw_state.errors import AdwError
from adw_state.json_state import ADWState
from adw_state.run_json import read_run
from adw_state.run_root import forget_json_only, json_only_runs
from adw_state.state import BeadsStateManager
from adw_state.store.importing import Tally
from adw_state.store.owner import owner_is_dead
from adw_state.store.records import UNFINISHED
from adw_state.store.runs import RunRows


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
