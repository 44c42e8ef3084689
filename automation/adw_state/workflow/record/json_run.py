"""A run in its JSON state: execution, attempts and steps as the database has them.

They stand under the keys that such states have had all along: `issue_number`, `issue_class`,
`phase_results`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adw_state.clock import Clock, format_time, parse_time
from adw_state.errors import InvalidInputError, StateFileError
from adw_state.state import ADWState, Attempt, Execution
from adw_state.store.json_values import JSON
from adw_state.store.records import PHASES

# Where the names of old states differ from the columns of adw_executions.
_OLD_NAMES = {
    "id": "adw_id",
    "issue_id": "issue_number",
    "issue_type": "issue_class",
    "phase": "current_phase",
}
_TIMES = ("started_at", "updated_at", "completed_at", "heartbeat_at")
_ATTEMPT_TIMES = {"started_at": "started_at", "finished_at": "completed_at"}


@dataclass(frozen=True, slots=True)
class SavedStep:
    """A step that was saved, in whichever store."""

    phase: str
    attempt: int
    name: str
    data: JSON


class JsonRun:
    """One run's JSON state."""

    def __init__(self, execution_id: str, project: Path, clock: Clock, state: ADWState | None = None) -> None:
        self._state = state or ADWState(execution_id, project, clock=clock)
        self._project = project

    @classmethod
    def load(cls, execution_id: str, project: Path, clock: Clock) -> JsonRun | None:
        """The state of a run of ours, or None if there is none. Raises `StateFileError`."""
        state = ADWState.load(execution_id, project, clock=clock)
        return None if state is None else cls(execution_id, project, clock, state)

    @property
    def exists(self) -> bool:
        """Whether a state is saved."""
        return self._state.path.exists()

    def mirror(self, execution: Execution, attempts: list[Attempt], steps: list[SavedStep]) -> None:
        """Save what is not saved yet of a run that begins, or that goes on from the database."""
        self.note_execution(execution)
        known = self.attempts()
        for attempt in attempts:
            if attempt not in known:
                self.note_attempt(attempt)
        saved = {(step.phase, step.attempt, step.name) for step in self.steps()}
        for step in steps:
            if (step.phase, step.attempt, step.name) not in saved:
                self.note_step(step)

    def note_execution(self, execution: Execution) -> None:
        """Save the execution as it is now."""
        fields: dict[str, JSON] = {}
        for name, value in asdict(execution).items():
            fields[_OLD_NAMES.get(name, name)] = format_time(value) if isinstance(value, datetime) else value
        self._state.update(fields)

    def note_attempt(self, attempt: Attempt) -> None:
        """Save an attempt as it is now, in the place of the same attempt as it was."""
        fields: dict[str, JSON] = {}
        for name, value in asdict(attempt).items():
            fields[_ATTEMPT_TIMES.get(name, name)] = (
                format_time(value) if isinstance(value, datetime) else value
            )
        fields["success"] = {"completed": True, "failed": False}.get(attempt.status)
        del fields["execution_id"]
        others = [old for old in self._results() if _key(old) != (attempt.phase, attempt.attempt)]
        done = {str(old["phase"]) for old in [*others, fields] if old["status"] == "completed"}
        self._state.update(
            {
                "phase_results": [*others, fields],
                "completed_phases": [phase for phase in PHASES if phase in done],
            }
        )

    def note_step(self, step: SavedStep) -> None:
        """Save a step."""
        self._state.append_checkpoint(step.phase, step.name, {"attempt": step.attempt, "data": step.data})

    def saved_fence(self) -> int | None:
        """The fence that is on the disk now; None where nothing is saved."""
        saved = ADWState.load(self._state.adw_id, self._project)
        fence = None if saved is None else saved.data.get("fence")
        return fence if isinstance(fence, int) else None

    def execution(self) -> Execution:
        """The execution as it was saved last. Raises `StateFileError` when this is no state of ours."""
        data: dict[str, Any] = self._state.data
        try:
            values = {name: data[_OLD_NAMES.get(name, name)] for name in Execution.__slots__}
            for name in _TIMES:
                values[name] = None if values[name] is None else parse_time(values[name])
        except (KeyError, TypeError, InvalidInputError) as error:
            raise StateFileError(
                f"{self._state.path} tells too little to go on with the run: {error}",
                hint="start a new run with `adw run`; `adw analyze --backend json` goes on counting this one",
            ) from error
        return Execution(**values)

    def attempts(self) -> list[Attempt]:
        """The attempts in the order in which they began."""
        return [_attempt(self._state.adw_id, result) for result in self._results()]

    def steps(self) -> list[SavedStep]:
        """The saved steps, phase by phase; entries that are not ours are passed over."""
        return [
            step
            for phase in PHASES
            for entry in self._state.checkpoints(phase)
            for step in _steps(phase, entry)
        ]

    def _results(self) -> list[dict[str, JSON]]:
        results = self._state.data.get("phase_results")
        found = [entry for entry in results if isinstance(entry, dict)] if isinstance(results, list) else []
        return [
            entry for entry in found if _key(entry)[0] in PHASES and isinstance(entry.get("attempt"), int)
        ]


def _key(result: dict[str, JSON]) -> tuple[JSON, JSON]:
    return (result.get("phase"), result.get("attempt"))


def _attempt(execution_id: str, result: dict[str, Any]) -> Attempt:
    values: dict[str, Any] = {name: result.get(_ATTEMPT_TIMES.get(name, name)) for name in Attempt.__slots__}
    for name in _ATTEMPT_TIMES:
        values[name] = None if values[name] is None else parse_time(str(values[name]))
    return Attempt(**{**values, "execution_id": execution_id})


def _steps(phase: str, entry: JSON) -> Iterator[SavedStep]:
    metadata = entry.get("metadata") if isinstance(entry, dict) else None
    if isinstance(entry, dict) and isinstance(metadata, dict) and isinstance(metadata.get("attempt"), int):
        yield SavedStep(phase, int(str(metadata["attempt"])), str(entry.get("step")), metadata.get("data"))
