"""A run in its JSON state, alone or beside the database.

Where it decides alone, that is noted for the database that is away. Beside a database it copies what that
answers. When one of the two becomes unusable in the middle of a run, the run says so once and goes on with
the other. Losing the ownership is no such case: it ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from adw_state.clock import Clock
from adw_state.errors import (
    AdwError,
    DatabaseError,
    ExecutionNotFoundError,
    IllegalTransitionError,
    InvalidInputError,
    StateFileError,
    StoreBusyError,
    command_on,
)
from adw_state.json_state import Fields
from adw_state.record.store import (
    AttemptEnd,
    DatabaseStore,
    RunStore,
    SavedStep,
    at_work,
    require_owner,
)
from adw_state.run_json import attempt_fields, execution_fields, phases_in, read_run, step_fields
from adw_state.run_root import note_json_only
from adw_state.state import ADWState, Attempt, Execution
from adw_state.store.json_values import decode
from adw_state.store.records import UNFINISHED
from adw_state.store.runs import RunRows, attempt_of, execution_of
from adw_state.store.values import place_of

Result = TypeVar("Result")
# What makes the database unusable for the rest of a run. A row that is gone was taken by the tracker.
UNUSABLE = (DatabaseError, StoreBusyError, ExecutionNotFoundError)
_NOT_WAITING: dict[str, Any] = {"waiting_for": None, "waiting_until": None, "release_by": None}


class JsonStore:
    """One run in its JSON state. What only copies a database calls the methods `note_…`; see `RunStore`."""

    def __init__(self, state: ADWState, project: Path, clock: Clock) -> None:
        self._state = state
        self._project = project
        self._clock = clock

    @property
    def exists(self) -> bool:
        """Whether a state is saved."""
        return self._state.path.exists()

    def execution(self) -> Execution:
        """The execution as it was saved last. Raises `StateFileError` when this is no state of ours."""
        try:
            return execution_of(self._rows().execution.values)
        except (TypeError, InvalidInputError) as error:
            raise self._tells_too_little(error) from error

    def attempts(self) -> list[Attempt]:
        """The attempts in the order in which they began."""
        return [attempt_of(row.values) for row in self._rows().attempts]

    def steps(self) -> list[SavedStep]:
        """The saved steps; entries that are not ours are passed over."""
        return [_step(row.values) for row in self._rows().checkpoints]

    def taken_over(self, owner: str) -> tuple[Execution, list[Attempt]]:
        """The execution and its attempts as a new owner has them; nothing is saved.

        Raises `IllegalTransitionError` when it is completed.
        """
        execution, now = self.execution(), self._clock.now()
        if execution.status == "completed":
            raise IllegalTransitionError(
                f"execution {execution.id} is completed; there is nothing left to do",
                hint=f"start a new one with `{command_on('adw run', execution.issue_id)}`",
            )
        reason = "the process that ran this attempt ended before the attempt did"
        attempts = [
            replace(old, status="interrupted", finished_at=now, error_message=reason)
            if old.status == "in_progress"
            else old
            for old in self.attempts()
        ]
        owned = replace(
            execution,
            **_NOT_WAITING,
            status="in_progress",
            completed_at=None,
            error_message=None,
            owner=owner,
            fence=execution.fence + 1,
            # What had ended holds its issue again.
            claimed=execution.claimed or execution.status not in UNFINISHED,
            heartbeat_at=now,
            updated_at=now,
        )
        return owned, attempts

    def note_execution(self, execution: Execution) -> None:
        """Save the execution as it is now."""
        self._state.update(execution_fields(execution))

    def note_attempt(self, attempt: Attempt) -> None:
        """Save an attempt as it is now, in the place of the same attempt as it was."""
        fields, same = attempt_fields(attempt), (attempt.phase, attempt.attempt)
        saved = self._state.data.get("phase_results")
        others: list[Fields] = [
            old
            for old in (saved if isinstance(saved, list) else [])
            if isinstance(old, dict) and (old.get("phase"), old.get("attempt")) != same
        ]
        done = {str(old["phase"]) for old in [*others, fields] if old["status"] == "completed"}
        self._state.update(
            {
                "phase_results": [*others, fields],
                "completed_phases": [phase for phase in phases_in(self._state.data) if phase in done],
            }
        )

    def note_step(self, step: SavedStep) -> None:
        """Save a step."""
        self._state.append_checkpoint(step.phase, step.name, step_fields(step.attempt, step.data))

    def note_missing(
        self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]
    ) -> None:
        """Save what is not saved yet of a run that begins, or that goes on from the database."""
        self.note_execution(execution)
        known = self.attempts()
        for attempt in attempts:
            if attempt not in known:
                self.note_attempt(attempt)
        saved = {step.key for step in self.steps()}
        for step in steps:
            if step.key not in saved:
                self.note_step(step)

    def start_attempt(self, execution: Execution, phase: str, known: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""
        self._decide(execution)
        attempt = Attempt(
            execution.id,
            phase,
            place_of(phase, execution.phases, execution.id),
            1 + max((old.attempt for old in self.attempts() if old.phase == phase), default=0),
            "in_progress",
            self._clock.now(),
            **known,
        )
        self.note_attempt(attempt)
        self.note_execution(at_work(execution, attempt))
        return attempt

    def finish_attempt(self, execution: Execution, attempt: Attempt, end: AttemptEnd) -> Attempt:
        """See `RunStore`."""
        self._decide(execution)
        now = self._clock.now()
        took = max(0.0, (now - attempt.started_at).total_seconds())
        columns = _known(end.columns())
        ended = replace(attempt, status=end.status, finished_at=now, duration_seconds=took, **columns)
        self.note_attempt(ended)
        return ended

    def note_use(self, execution: Execution, attempt: Attempt, used: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""
        self._decide(execution)
        noted = replace(attempt, **_known(used))
        self.note_attempt(noted)
        return noted

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """See `RunStore`."""
        self._decide(execution)
        now = self._clock.now()
        goes_on = status in UNFINISHED
        moved = replace(
            execution,
            **_NOT_WAITING,
            status=status,
            updated_at=now,
            completed_at=None if goes_on else now,
            owner=None if status == "waiting" else execution.owner,
            claimed=execution.claimed and goes_on,  # what has ended holds its issue no more
        )
        changed = replace(moved, **_known(changes))
        self.note_execution(changed)
        return changed

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """See `RunStore`."""
        self._decide(execution)
        self.note_step(step)

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """See `RunStore`."""
        note_json_only(self._project, execution.id)
        self.note_missing(execution, attempts, steps)

    def check_owner(self, execution: Execution) -> None:
        """See `RunStore`."""
        saved = ADWState.load(execution.id, self._project)
        fence = None if saved is None else saved.data.get("fence")
        require_owner(execution, fence if isinstance(fence, int) else None)

    def beat(self, execution: Execution) -> None:
        """Nothing is written: what a living process writes shows that it lives."""
        self.check_owner(execution)

    def _decide(self, execution: Execution) -> None:
        """Before a write that no database has answered."""
        self.check_owner(execution)
        note_json_only(self._project, execution.id)

    def _rows(self) -> RunRows:
        rows = read_run(self._state)
        if rows is None:
            raise self._tells_too_little("another program wrote it")
        return rows

    def _tells_too_little(self, why: object) -> StateFileError:
        return StateFileError(
            f"{self._state.path} tells too little to resume the run: {why}",
            hint="start a new run with `adw run`; `adw analyze --backend json` goes on counting this one",
        )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _step(values: Mapping[str, Any]) -> SavedStep:
    data = decode(values["checkpoint_data"])
    return SavedStep(values["phase"], values["attempt"], values["checkpoint_name"], data)


class BothStores:
    """One run in the database, which decides, with its JSON state beside it; see `RunStore`."""

    def __init__(self, database: DatabaseStore, in_json: JsonStore, warn: Callable[[str], None]) -> None:
        self._deciding: RunStore = database
        self._in_json = in_json
        self._copying: JsonStore | None = in_json
        self._warn = warn

    def start_attempt(self, execution: Execution, phase: str, known: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""

        def copy(run: JsonStore, attempt: Attempt) -> None:
            run.note_attempt(attempt)
            run.note_execution(at_work(execution, attempt))

        return self._write(lambda store: store.start_attempt(execution, phase, known), copy)

    def finish_attempt(self, execution: Execution, attempt: Attempt, end: AttemptEnd) -> Attempt:
        """See `RunStore`."""
        return self._write(
            lambda store: store.finish_attempt(execution, attempt, end), JsonStore.note_attempt
        )

    def note_use(self, execution: Execution, attempt: Attempt, used: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""
        return self._write(lambda store: store.note_use(execution, attempt, used), JsonStore.note_attempt)

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """See `RunStore`."""
        return self._write(lambda store: store.change(execution, status, changes), JsonStore.note_execution)

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """See `RunStore`."""
        self._write(lambda store: store.save_step(execution, step), lambda run, _: run.note_step(step))

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """See `RunStore`."""
        self._copy(lambda run: run.note_missing(execution, attempts, steps))

    def check_owner(self, execution: Execution) -> None:
        """See `RunStore`."""
        self._deciding.check_owner(execution)

    def beat(self, execution: Execution) -> None:
        """See `RunStore`."""
        self._deciding.beat(execution)

    def _write(
        self, write: Callable[[RunStore], Result], copy: Callable[[JsonStore, Result], None]
    ) -> Result:
        """Write to the database and what came of it to the JSON state, or to JSON alone."""
        try:
            saved = write(self._deciding)
        except UNUSABLE as error:
            self._lose_database(error)
            return write(self._deciding)
        self._copy(lambda run: copy(run, saved))
        return saved

    def _copy(self, copy: Callable[[JsonStore], None]) -> None:
        if self._copying is not None:
            try:
                copy(self._copying)
            except StateFileError as error:
                self._copying = None
                self._warn(
                    f"the JSON state is lost to this run, which continues with the database only: {error}"
                )

    def _lose_database(self, error: AdwError) -> None:
        if self._copying is None:
            raise error
        self._deciding, self._copying = self._in_json, None
        why = f"{error}; {error.hint}" if error.hint else str(error)
        self._warn(
            f"the database is lost to this run, which continues with its JSON state only: {why};"
            " once it is back, the run comes in by itself"
        )
