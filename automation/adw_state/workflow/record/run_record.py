"""The record of one run, written to both stores: the database, and the JSON state beside it.

The database decides (ids, attempt numbers, ownership); the JSON state mirrors what it answered. When one
of the two becomes unusable in the middle of a run, the run says so once and goes on with the other.
Losing the ownership is no such case: it ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from adw_state.agents.result import AgentResult
from adw_state.clock import Clock
from adw_state.errors import (
    AdwError,
    DatabaseError,
    ExecutionNotFoundError,
    OwnershipLostError,
    StateFileError,
    StoreBusyError,
)
from adw_state.state import Attempt, BeadsStateManager, Execution
from adw_state.store.json_values import JSON
from adw_state.store.phase_list import place_of
from adw_state.store.records import UNFINISHED
from adw_state.workflow.record.json_run import JsonRun, SavedStep
from adw_state.workflow.record.step_ids import step_op_id

Result = TypeVar("Result")
# What makes the database unusable for the rest of a run. A row that is gone was taken by the tracker.
_UNUSABLE = (DatabaseError, StoreBusyError, ExecutionNotFoundError)


class RunRecord:
    """The execution, attempts and steps of one run, as they are and as they are saved."""

    def __init__(
        self,
        execution: Execution,
        *,
        database: BeadsStateManager | None,
        json_run: JsonRun | None,
        attempts: list[Attempt],
        steps: list[SavedStep],
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self.execution = execution
        self.attempts = attempts
        self._steps = {(step.phase, step.attempt, step.name): step.data for step in steps}
        self._database = database
        self._json = json_run
        self._clock = clock
        self._warn = warn

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.execution.id

    def mirror(self) -> None:
        """Bring the JSON state to what this record holds, for a run that begins or goes on."""
        self._in_json(lambda state: state.mirror(self.execution, self.attempts, self._all_steps()))

    def start_attempt(self, phase: str, agent: str) -> Attempt:
        """Begin the next attempt at a phase."""

        def in_memory() -> Attempt:
            number = 1 + max((old.attempt for old in self.attempts if old.phase == phase), default=0)
            return Attempt(
                self.id,
                phase,
                place_of(phase, self.execution.phases, self.id),
                number,
                "in_progress",
                self._clock.now(),
                agent=agent,
            )

        attempt = self._save(
            lambda database: database.start_attempt(self.id, phase, agent=agent, fence=self._fence),
            in_memory,
            lambda state, value: state.note_attempt(value),
        )
        self.attempts.append(attempt)
        self.execution = replace(
            self.execution, status="in_progress", phase=phase, updated_at=attempt.started_at
        )
        self._in_json(lambda state: state.note_execution(self.execution))
        return attempt

    def finish_attempt(
        self,
        attempt: Attempt,
        status: str,
        *,
        error_message: str | None = None,
        exit_code: int | None = None,
        result: AgentResult | None = None,
    ) -> Attempt:
        """End an attempt, with what its agent used."""
        used: dict[str, Any] = {"error_message": error_message, "exit_code": exit_code}
        for name in ("model", "session_id", "input_tokens", "output_tokens", "cost_usd"):
            used[name] = getattr(result, name, None)
        used["cost_kind"] = None if used["cost_usd"] is None else "reported"

        def in_memory() -> Attempt:
            now = self._clock.now()
            took = max(0.0, (now - attempt.started_at).total_seconds())
            return replace(attempt, status=status, finished_at=now, duration_seconds=took, **used)

        ended = self._save(
            lambda database: database.finish_attempt(attempt, status, fence=self._fence, **used),
            in_memory,
            lambda state, value: state.note_attempt(value),
        )
        self.attempts = [ended if _same(old, ended) else old for old in self.attempts]
        return ended

    def save_step(self, attempt: Attempt, name: str, data: JSON) -> None:
        """Save a step of an attempt; saving it again changes nothing."""
        step = SavedStep(attempt.phase, attempt.attempt, name, data)
        op_id = step_op_id(self.id, step)

        def in_database(database: BeadsStateManager) -> SavedStep:
            database.save_checkpoint(
                self.id, step.phase, name, data, attempt=step.attempt, op_id=op_id, fence=self._fence
            )
            return step

        self._save(in_database, lambda: step, lambda state, value: state.note_step(value))
        self._steps[(step.phase, step.attempt, name)] = data

    def saved_step(self, phase: str, attempts: Collection[int], name: str) -> JSON:
        """What the newest of these attempts saved under this name; None if none did."""
        for attempt in sorted(attempts, reverse=True):
            if (phase, attempt, name) in self._steps:
                return self._steps[(phase, attempt, name)]
        return None

    def change(
        self, status: str, *, phase: str | None = None, error_message: str | None = None, **fields: Any
    ) -> None:
        """Move the execution to another status, and set the fields that are given."""
        changes = {"phase": phase, "error_message": error_message, **fields}

        def in_memory() -> Execution:
            now = self._clock.now()
            known = {name: value for name, value in changes.items() if value is not None}
            goes_on = status in UNFINISHED
            return replace(
                self.execution,
                status=status,
                updated_at=now,
                completed_at=None if goes_on else now,
                claimed=self.execution.claimed and goes_on,  # what has ended holds its issue no more
                **known,
            )

        self.execution = self._save(
            lambda database: database.update_execution_status(self.id, status, fence=self._fence, **changes),
            in_memory,
            lambda state, value: state.note_execution(value),
        )

    def check_owner(self) -> None:
        """Raise `OwnershipLostError` when another process has taken the execution over.

        To be asked before anything in the worktree is touched: the new owner may be at work there.
        """
        try:
            fence = self._saved_fence()
        except (*_UNUSABLE, StateFileError):
            return
        if fence is not None and fence != self._fence:
            raise OwnershipLostError(
                f"execution {self.id} was taken over by another process; this one may no longer work on it",
                hint="let the other process finish; `adw show` tells how far it is",
            )

    def beat(self) -> None:
        """Give a sign of life. Raises `OwnershipLostError` when another process took over.

        A database that cannot be written now is left to the next real write to find out.
        """
        database = self._database  # the main thread may lose it meanwhile
        if database is None:
            self.check_owner()
            return
        try:
            database.beat(self.id, self._fence)
        except _UNUSABLE:
            return

    def newest_commit(self) -> str | None:
        """The commit that the newest step made or began at; None where no step knows one."""
        for data in reversed(self._steps.values()):
            commit = data.get("commit") or data.get("base_commit") if isinstance(data, dict) else None
            if isinstance(commit, str):
                return commit
        return None

    def close(self) -> None:
        """Give the database's connections back."""
        if self._database is not None:
            self._database.close()

    @property
    def _fence(self) -> int:
        return self.execution.fence

    def _saved_fence(self) -> int | None:
        database = self._database
        if database is not None:
            found = database.get_execution(self.id)
            return None if found is None else found.fence
        return None if self._json is None else self._json.saved_fence()

    def _save(
        self,
        in_database: Callable[[BeadsStateManager], Result],
        in_memory: Callable[[], Result],
        in_json: Callable[[JsonRun, Result], None],
    ) -> Result:
        """Write to the database, and what came of it to the JSON state; one of the two must hold."""
        value: Result | None = None
        if self._database is None:
            self.check_owner()
        else:
            try:
                value = in_database(self._database)
            except _UNUSABLE as error:
                self._lose_database(error)
        saved = in_memory() if value is None else value
        self._in_json(lambda state: in_json(state, saved))
        return saved

    def _in_json(self, work: Callable[[JsonRun], None]) -> None:
        if self._json is not None:
            try:
                work(self._json)
            except StateFileError as error:
                self._lose_json(error)

    def _all_steps(self) -> list[SavedStep]:
        return [SavedStep(*key, data) for key, data in self._steps.items()]

    def _lose_database(self, error: AdwError) -> None:
        if self._json is None:
            raise error
        self._database = None
        why = f"{error}; {error.hint}" if error.hint else str(error)
        self._warn(
            f"the database is lost to this run, which goes on with its JSON state only: {why};"
            " `adw restore` brings the run in later"
        )

    def _lose_json(self, error: AdwError) -> None:
        if self._database is None:
            raise error
        self._json = None
        self._warn(f"the JSON state is lost to this run, which goes on with the database only: {error}")


def _same(one: Attempt, other: Attempt) -> bool:
    return (one.phase, one.attempt) == (other.phase, other.attempt)
