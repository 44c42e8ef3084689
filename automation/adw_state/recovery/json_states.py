"""The runs in a project's JSON states, as our own workflow writes them beside the database.

    <run root>/agents/<adw_id>/adw_state.json            the execution and its attempts
    <run root>/agents/<adw_id>/<phase>/checkpoints.json  its steps

States of other programs say too little to be an execution; they are counted and left alone. Nothing is
written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adw_state.errors import AdwError
from adw_state.json_state import ADWState
from adw_state.run_json import read_run
from adw_state.run_root import agents_folder
from adw_state.store.runs import RowCounts, RunRows


@dataclass(slots=True)
class JsonStates:
    """The states of one project; what was passed over is counted while they are read."""

    project: Path
    foreign: int = 0
    """States of other programs."""
    unreadable: list[str] = field(default_factory=list)
    """What is wrong with each state that cannot be read, in sentences."""

    @property
    def folder(self) -> Path:
        """Where the states lie."""
        return agents_folder(self.project)

    def ids(self) -> list[str]:
        """The names of the runs that have a state here, whoever wrote it."""
        if not self.folder.is_dir():
            return []
        return sorted(path.parent.name for path in self.folder.glob("*/adw_state.json"))

    def runs(self) -> Iterator[RunRows]:
        """Every run of ours, in order of its id."""
        self.foreign = 0
        self.unreadable.clear()
        for name in self.ids():
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

    def count(self) -> tuple[RowCounts, str | None]:
        """How many rows the states hold, and when an execution in them was changed last (stored text)."""
        executions = attempts = checkpoints = 0
        newest: str | None = None
        for run in self.runs():
            executions += 1
            attempts += len(run.attempts)
            checkpoints += len(run.checkpoints)
            newest = max(newest or "", str(run.execution.values["updated_at"]))
        return RowCounts(executions, attempts, checkpoints), newest
