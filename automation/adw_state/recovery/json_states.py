"""The runs in a project's JSON states, as our own workflow writes them beside the database.

    <run root>/agents/<adw_id>/adw_state.json            the execution and its attempts
    <run root>/agents/<adw_id>/<phase>/checkpoints.json  its steps

States of other programs say too little to be an execution; they are counted and left alone. Nothing is
written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adw_state.clock import SettableClock
from adw_state.errors import AdwError
from adw_state.json_state import ADWState
from adw_state.recovery.runs import ATTEMPT_COLUMNS, EXECUTION_COLUMNS, KeptRow, RowCounts, Run
from adw_state.run_root import agents_folder
from adw_state.store.ids import step_op_id
from adw_state.store.json_values import JSON, encode
from adw_state.store.records import PHASES, UNFINISHED

# Where such a state calls a column otherwise.
_EXECUTION_KEYS = {
    "id": "adw_id",
    "issue_id": "issue_number",
    "issue_type": "issue_class",
    "phase": "current_phase",
}
_ATTEMPT_KEYS = {"finished_at": "completed_at"}
# Reading a state tells no time.
_NO_CLOCK = SettableClock("1970-01-01T00:00:00Z")


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

    def runs(self) -> Iterator[Run]:
        """Every run of ours, in order of its id."""
        self.foreign = 0
        self.unreadable.clear()
        for name in self.ids():
            try:
                run = self._run(name)
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

    def _run(self, name: str) -> Run | None:
        state = ADWState.load(name, self.project, clock=_NO_CLOCK)
        if state is None:
            return None
        data = state.data
        if any(_EXECUTION_KEYS.get(column, column) not in data for column in EXECUTION_COLUMNS):
            return None
        execution_id = str(data["adw_id"])
        columns = _columns(data, EXECUTION_COLUMNS, _EXECUTION_KEYS)
        if columns["status"] not in UNFINISHED:
            columns["claimed"] = 0  # states of runs that lost their database may say otherwise
        return Run(
            KeptRow(columns),
            list(_attempts(execution_id, data.get("phase_results"))),
            list(_checkpoints(execution_id, state)),
            derived=True,
        )


def _columns(
    data: Mapping[str, JSON], columns: tuple[str, ...], keys: Mapping[str, str]
) -> dict[str, object]:
    return {column: _storable(column, data.get(keys.get(column, column))) for column in columns}


def _storable(column: str, value: JSON) -> object:
    if column == "extra_data":
        return None if value is None else encode(value, "extra_data")
    if isinstance(value, bool):
        return int(value)
    return encode(value, column) if isinstance(value, dict | list) else value


def _attempts(execution_id: str, results: JSON) -> Iterator[KeptRow]:
    for result in results if isinstance(results, list) else []:
        if isinstance(result, dict) and result.get("phase") in PHASES and _is_number(result.get("attempt")):
            values = _columns(result, ATTEMPT_COLUMNS, _ATTEMPT_KEYS)
            yield KeptRow({**values, "execution_id": execution_id})


def _checkpoints(execution_id: str, state: ADWState) -> Iterator[KeptRow]:
    """The steps in the order in which they were saved; entries that are not ours are passed over."""
    entries = [
        (str(entry.get("timestamp")), place, phase, entry, metadata)
        for place, phase in enumerate(PHASES)
        for entry in state.checkpoints(phase)
        if isinstance(entry, dict) and isinstance(metadata := entry.get("metadata"), dict)
    ]
    seq = 0
    for timestamp, _, phase, entry, metadata in sorted(entries, key=lambda found: found[:2]):
        attempt, step = metadata.get("attempt"), entry.get("step")
        if isinstance(attempt, int) and not isinstance(attempt, bool) and isinstance(step, str):
            seq += 1
            yield KeptRow(
                {
                    "op_id": step_op_id(execution_id, phase, attempt, step),
                    "execution_id": execution_id,
                    "seq": seq,
                    "phase": phase,
                    "attempt": attempt,
                    "checkpoint_name": step,
                    "checkpoint_data": encode(metadata.get("data"), f"checkpoint {step!r}"),
                    "created_at": timestamp,
                }
            )


def _is_number(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
