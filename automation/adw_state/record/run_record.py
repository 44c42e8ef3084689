"""The record of one run: what it has done so far, in memory, and written to its store step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from adw_state.agents.result import AgentResult
from adw_state.errors import StateFileError
from adw_state.record.json_store import UNUSABLE
from adw_state.record.store import AttemptEnd, RunStore, SavedStep, at_work, used_columns
from adw_state.state import Attempt, Execution
from adw_state.store.json_values import JSON


class RunRecord:
    """The execution, attempts and steps of one run, as they are and as they are saved."""

    def __init__(
        self, execution: Execution, store: RunStore, attempts: Sequence[Attempt], steps: Sequence[SavedStep]
    ) -> None:
        self.execution = execution
        self.attempts = list(attempts)
        self._steps = {step.key: step.data for step in steps}
        self._store = store

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.execution.id

    def start_attempt(self, phase: str, **known: str | None) -> Attempt:
        """Begin the next attempt at a phase; `known` are fields of it."""
        attempt = self._store.start_attempt(self.execution, phase, known)
        self.attempts.append(attempt)
        self.execution = at_work(self.execution, attempt)
        return attempt

    def finish_attempt(self, attempt: Attempt, end: AttemptEnd) -> Attempt:
        """End an attempt."""
        return self._noted(self._store.finish_attempt(self.execution, self._present(attempt), end))

    def note_session(self, attempt: Attempt, session_id: str, model: str | None) -> None:
        """Note the session of an attempt's agent as soon as it is known."""
        used = {"session_id": session_id, "model": model}
        self._noted(self._store.note_use(self.execution, self._present(attempt), used))

    def note_use(self, attempt: Attempt, used: AgentResult) -> None:
        """Note what the agent of an attempt had used when its process died."""
        self._noted(self._store.note_use(self.execution, self._present(attempt), used_columns(used)))

    def _present(self, attempt: Attempt) -> Attempt:
        """An attempt with what has been noted of it."""
        return next(old for old in self.attempts if _is_same(old, attempt))

    def _noted(self, attempt: Attempt) -> Attempt:
        self.attempts = [attempt if _is_same(old, attempt) else old for old in self.attempts]
        return attempt

    def save_step(self, attempt: Attempt, name: str, data: JSON) -> None:
        """Save a step of an attempt; saving it again changes nothing."""
        self._store.save_step(self.execution, SavedStep(attempt.phase, attempt.attempt, name, data))
        self._steps[(attempt.phase, attempt.attempt, name)] = data

    def saved_step(self, phase: str, attempts: Iterable[int], name: str) -> JSON:
        """What the first of these attempts that did so saved under this name; None if none did."""
        return next(
            (step for old in attempts if (step := self._steps.get((phase, old, name))) is not None), None
        )

    def change(self, status: str, **changes: Any) -> None:
        """Move the execution to another status, and set the fields that are given."""
        self.execution = self._store.change(self.execution, status, changes)

    def check_owner(self) -> None:
        """Raise `OwnershipLostError` when another process has taken the execution over.

        To be asked before anything in the worktree is touched: the new owner may be at work there.
        """
        with suppress(*UNUSABLE, StateFileError):
            self._store.check_owner(self.execution)

    def beat(self) -> None:
        """Give a sign of life. Raises `OwnershipLostError` when another process took over."""
        self._store.beat(self.execution)

    def newest_commit(self) -> str | None:
        """The commit that the newest step made or began at, else the one that the execution began at."""
        for data in reversed(self._steps.values()):
            commit = data.get("commit") or data.get("base_commit") if isinstance(data, dict) else None
            if isinstance(commit, str):
                return commit
        return self.execution.base_commit


def _is_same(one: Attempt, other: Attempt) -> bool:
    return (one.phase, one.attempt) == (other.phase, other.attempt)
