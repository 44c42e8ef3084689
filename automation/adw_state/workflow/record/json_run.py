"""The JSON state of one run: execution, attempts and steps as the database has them; see `run_json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adw_state.clock import Clock
from adw_state.errors import InvalidInputError, StateFileError
from adw_state.json_state import Fields
from adw_state.run_json import attempt_fields, execution_fields, phases_in, read_run, step_fields
from adw_state.state import ADWState, Attempt, Execution
from adw_state.store.json_values import JSON, decode
from adw_state.store.runs import Run, attempt_of, execution_of
from adw_state.workflow.record.store import SavedStep


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

    def mirror(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
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
        self._state.update(execution_fields(execution))

    def note_attempt(self, attempt: Attempt) -> None:
        """Save an attempt as it is now, in the place of the same attempt as it was."""
        fields = attempt_fields(attempt)
        others = [old for old in self._results() if _key(old) != (attempt.phase, attempt.attempt)]
        done = {str(old["phase"]) for old in [*others, fields] if old["status"] == "completed"}
        self._state.update(
            {
                "phase_results": [*others, fields],
                "completed_phases": [phase for phase in self._phases() if phase in done],
            }
        )

    def note_step(self, step: SavedStep) -> None:
        """Save a step."""
        self._state.append_checkpoint(step.phase, step.name, step_fields(step.attempt, step.data))

    def saved_fence(self) -> int | None:
        """The fence that is on the disk now; None where nothing is saved."""
        saved = ADWState.load(self._state.adw_id, self._project)
        fence = None if saved is None else saved.data.get("fence")
        return fence if isinstance(fence, int) else None

    def execution(self) -> Execution:
        """The execution as it was saved last. Raises `StateFileError` when this is no state of ours."""
        try:
            return execution_of(self._run().execution.values)
        except (TypeError, InvalidInputError) as error:
            raise self._tells_too_little(error) from error

    def attempts(self) -> list[Attempt]:
        """The attempts in the order in which they began."""
        return [attempt_of(row.values) for row in self._run().attempts]

    def steps(self) -> list[SavedStep]:
        """The saved steps; entries that are not ours are passed over."""
        return [_step(row.values) for row in self._run().checkpoints]

    def _run(self) -> Run:
        run = read_run(self._state)
        if run is None:
            raise self._tells_too_little("another program wrote it")
        return run

    def _tells_too_little(self, why: object) -> StateFileError:
        return StateFileError(
            f"{self._state.path} tells too little to go on with the run: {why}",
            hint="start a new run with `adw run`; `adw analyze --backend json` goes on counting this one",
        )

    def _phases(self) -> tuple[str, ...]:
        """The phases of the run; those of the built-in workflow where its state does not list any."""
        return phases_in(self._state.data)

    def _results(self) -> list[Fields]:
        results = self._state.data.get("phase_results")
        return [entry for entry in results if isinstance(entry, dict)] if isinstance(results, list) else []


def _key(result: Fields) -> tuple[JSON, JSON]:
    return (result.get("phase"), result.get("attempt"))


def _step(values: Mapping[str, Any]) -> SavedStep:
    data = decode(values["checkpoint_data"])
    return SavedStep(values["phase"], values["attempt"], values["checkpoint_name"], data)
