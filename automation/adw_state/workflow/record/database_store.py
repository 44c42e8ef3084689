"""A run in the database, which decides on numbers, times and ownership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adw_state.state import Attempt, BeadsStateManager, Execution
from adw_state.workflow.record.store import SavedStep


class DatabaseStore:
    """One run in the database; see `RunStore`."""

    def __init__(self, state: BeadsStateManager) -> None:
        self._state = state

    def start_attempt(
        self, execution: Execution, earlier: Sequence[Attempt], phase: str, known: Mapping[str, Any]
    ) -> Attempt:
        """See `RunStore`."""
        del earlier  # the database counts them itself
        return self._state.start_attempt(execution.id, phase, fence=execution.fence, **known)

    def finish_attempt(
        self, execution: Execution, attempt: Attempt, status: str, outcome: Mapping[str, Any]
    ) -> Attempt:
        """See `RunStore`."""
        return self._state.finish_attempt(attempt, status, fence=execution.fence, **outcome)

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """See `RunStore`."""
        return self._state.update_execution_status(execution.id, status, fence=execution.fence, **changes)

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """See `RunStore`."""
        self._state.save_checkpoint(
            execution.id,
            step.phase,
            step.name,
            step.data,
            attempt=step.attempt,
            op_id=step.op_id(execution.id),
            fence=execution.fence,
        )

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """Nothing: the database knows."""

    def saved_fence(self, execution_id: str) -> int | None:
        """See `RunStore`."""
        found = self._state.get_execution(execution_id)
        return None if found is None else found.fence

    def beat(self, execution: Execution) -> None:
        """See `RunStore`."""
        self._state.beat(execution.id, execution.fence)

    def close(self) -> None:
        """See `RunStore`."""
        self._state.close()
