"""Where a run is written while it works: one protocol, with a database, a JSON state, or both behind it.

Every write returns what is stored now. A run that was replaced by another process learns it from
`OwnershipLostError`; a store that cannot be used any more raises its own error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from adw_state.agents.result import USED, AgentResult
from adw_state.errors import AdwError, OwnershipLostError
from adw_state.state import Attempt, BeadsStateManager, Execution
from adw_state.store import ids
from adw_state.store.json_values import JSON


@dataclass(frozen=True, slots=True)
class SavedStep:
    """A step that was saved, in whichever store."""

    phase: str
    attempt: int
    name: str
    data: JSON

    @property
    def key(self) -> tuple[str, int, str]:
        """What is the same for the same step of the same attempt."""
        return (self.phase, self.attempt, self.name)

    def op_id(self, execution_id: str) -> str:
        """The same for the same step of the same attempt, so that a repeated save is recognised."""
        return ids.step_op_id(execution_id, self.phase, self.attempt, self.name)


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended: the one value from which it is stored, logged and told, whoever did its work.

    `status` is completed, failed or interrupted; `error` is why it did not complete. `answer` is what an
    agent said and used, None where the attempt that resumes this one is to count it.
    """

    status: str
    error: AdwError | None = None
    exit_code: int | None = None
    answer: AgentResult | None = None

    def columns(self) -> dict[str, Any]:
        """What is stored of it beside the status, by the names of an attempt's fields."""
        return {
            **used_columns(self.answer),
            "error_class": self.error.error_class if self.error and self.status == "failed" else None,
            "error_message": None if self.error is None else str(self.error),
            "exit_code": self.exit_code,
        }


def used_columns(answer: AgentResult | None) -> dict[str, Any]:
    """What an attempt keeps of what its agent used. That an agent was asked had a cost, known or not."""
    if answer is None:
        return dict.fromkeys(USED)
    kind = "unknown" if answer.cost_usd is None else answer.cost_kind or "reported"
    return {**{name: getattr(answer, name) for name in USED}, "cost_kind": kind}


class RunStore(Protocol):
    """What keeps one run while it works."""

    def start_attempt(self, execution: Execution, phase: str, known: Mapping[str, Any]) -> Attempt:
        """Begin the next attempt at a phase; `known` are fields of it. See `at_work`."""

    def finish_attempt(self, execution: Execution, attempt: Attempt, end: AttemptEnd) -> Attempt:
        """End an attempt."""

    def note_use(self, execution: Execution, attempt: Attempt, used: Mapping[str, Any]) -> Attempt:
        """Note what the agent of an attempt has used, before it has ended or after its process died."""

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """Move the execution to another status, and set the fields that are not None."""

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """Save a step; saving it again changes nothing."""

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """Bring what only copies to this state of a run that begins, or that goes on."""

    def check_owner(self, execution: Execution) -> None:
        """Raise `OwnershipLostError` where another fence is stored now."""

    def beat(self, execution: Execution) -> None:
        """Give a sign of life."""


def at_work(execution: Execution, attempt: Attempt) -> Execution:
    """The execution as the start of an attempt leaves it."""
    return replace(execution, status="in_progress", phase=attempt.phase, updated_at=attempt.started_at)


def require_owner(execution: Execution, saved_fence: int | None) -> None:
    """Raise `OwnershipLostError` where another process has taken the execution over."""
    if saved_fence is not None and saved_fence != execution.fence:
        raise OwnershipLostError(
            f"execution {execution.id} was taken over by another process; this one may no longer work on it",
            hint="let the other process finish; `adw show` tells how far it is",
        )


class DatabaseStore:
    """One run in the database; see `RunStore`."""

    def __init__(self, state: BeadsStateManager) -> None:
        self._state = state

    def start_attempt(self, execution: Execution, phase: str, known: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""
        return self._state.start_attempt(execution.id, phase, fence=execution.fence, **known)

    def finish_attempt(self, execution: Execution, attempt: Attempt, end: AttemptEnd) -> Attempt:
        """See `RunStore`."""
        return self._state.finish_attempt(attempt, end.status, fence=execution.fence, **end.columns())

    def note_use(self, execution: Execution, attempt: Attempt, used: Mapping[str, Any]) -> Attempt:
        """See `RunStore`."""
        return self._state.note_use(attempt, used, fence=execution.fence)

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

    def check_owner(self, execution: Execution) -> None:
        """See `RunStore`."""
        found = self._state.get_execution(execution.id)
        require_owner(execution, None if found is None else found.fence)

    def beat(self, execution: Execution) -> None:
        """See `RunStore`."""
        self._state.beat(execution.id, execution.fence)
