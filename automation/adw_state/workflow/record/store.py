"""Where a run is written while it works: one protocol, with a database, a JSON state, or both behind it.

Every write returns what is stored now. A run that was replaced by another process learns it from
`OwnershipLostError`; a store that cannot be used any more raises its own error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from adw_state.state import Attempt, Execution
from adw_state.store import ids
from adw_state.store.json_values import JSON


@dataclass(frozen=True, slots=True)
class SavedStep:
    """A step that was saved, in whichever store."""

    phase: str
    attempt: int
    name: str
    data: JSON

    def op_id(self, execution_id: str) -> str:
        """The same for the same step of the same attempt, so that a repeated save is recognised."""
        return ids.step_op_id(execution_id, self.phase, self.attempt, self.name)


class RunStore(Protocol):
    """What keeps one run while it works."""

    def start_attempt(
        self, execution: Execution, earlier: Sequence[Attempt], phase: str, known: Mapping[str, Any]
    ) -> Attempt:
        """Begin the next attempt at a phase; `earlier` are the attempts so far, `known` fields of this one.

        See `at_work`.
        """

    def finish_attempt(
        self, execution: Execution, attempt: Attempt, status: str, outcome: Mapping[str, Any]
    ) -> Attempt:
        """End an attempt; `outcome` are the fields that are known by then."""

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """Move the execution to another status, and set the fields that are not None."""

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """Save a step; saving it again changes nothing."""

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """Bring what only copies to this state of a run that begins, or that goes on."""

    def saved_fence(self, execution_id: str) -> int | None:
        """The fence that is stored now; None where nothing is."""

    def beat(self, execution: Execution) -> None:
        """Give a sign of life."""

    def close(self) -> None:
        """Give back what is held open."""


def at_work(execution: Execution, attempt: Attempt) -> Execution:
    """The execution as the start of an attempt leaves it."""
    return replace(execution, status="in_progress", phase=attempt.phase, updated_at=attempt.started_at)
