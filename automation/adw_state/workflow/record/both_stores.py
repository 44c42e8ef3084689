"""A run in the database, with its JSON state beside it: the one decides, the other copies the answer.

When one of the two becomes unusable in the middle of a run, the run says so once and goes on with the other.
Losing the ownership is no such case: it ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from adw_state.errors import (
    AdwError,
    DatabaseError,
    ExecutionNotFoundError,
    StateFileError,
    StoreBusyError,
)
from adw_state.state import Attempt, Execution
from adw_state.workflow.record.json_store import JsonStore
from adw_state.workflow.record.store import AttemptEnd, DatabaseStore, RunStore, SavedStep, at_work

Result = TypeVar("Result")
# What makes the database unusable for the rest of a run. A row that is gone was taken by the tracker.
UNUSABLE = (DatabaseError, StoreBusyError, ExecutionNotFoundError)


class BothStores:
    """One run in both stores; see `RunStore`."""

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
                    f"the JSON state is lost to this run, which goes on with the database only: {error}"
                )

    def _lose_database(self, error: AdwError) -> None:
        if self._copying is None:
            raise error
        self._deciding, self._copying = self._in_json, None
        why = f"{error}; {error.hint}" if error.hint else str(error)
        self._warn(
            f"the database is lost to this run, which goes on with its JSON state only: {why};"
            " once it is back, the run comes in by itself"
        )
