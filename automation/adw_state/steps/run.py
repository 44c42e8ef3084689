"""One run of a team's own program: its phases, and the steps that are done once.

A step belongs to its phase and has a name. Once its result is saved it is not done again in this run,
whether the process died, was interrupted, or the phase failed afterwards and is tried again. What is
interrupted (Ctrl-C, a cancelled task, `sys.exit`) leaves the run unfinished; an exception fails it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from adw_state.errors import IllegalTransitionError, InvalidInputError, OwnershipLostError
from adw_state.heartbeats import Heartbeats
from adw_state.redaction import recordable, secret_values
from adw_state.state import Attempt, BeadsStateManager, Execution, IssueSnapshot
from adw_state.store.ids import step_op_id
from adw_state.store.json_values import JSON, decode, encode
from adw_state.store.records import UNFINISHED

Given = ParamSpec("Given")
Result = TypeVar("Result")

_MOST_RUNS_OF_AN_ISSUE = 1000
# The attempt is another process's by now, or over.
_NOT_OURS_ANY_MORE = (OwnershipLostError, IllegalTransitionError)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `State.run` was asked for, and by whom."""

    issue_id: str
    workflow: str
    phases: tuple[str, ...]
    adw_id: str | None
    issue: IssueSnapshot | None
    environment: str
    owner: str
    lease_seconds: float


class Run:
    """A run that a program works on, from its entry to its exit; made by `State.run`."""

    execution: Execution
    """The execution as it was when it was last read or changed."""

    def __init__(self, manager: BeadsStateManager, heartbeats: Heartbeats, request: RunRequest) -> None:
        self._manager = manager
        self._heartbeats = heartbeats
        self._request = request
        self._attempts: dict[str, Attempt] = {}  # the newest of each phase
        self._saved: dict[tuple[str, str], JSON] = {}
        self._lost: OwnershipLostError | None = None

    def __enter__(self) -> Self:
        self.execution = self._taken_over() or self._begun()
        for attempt in self._manager.list_attempts(self.id):
            self._attempts[attempt.phase] = attempt
        for saved in self._manager.list_checkpoints(self.id):
            self._saved[saved.phase, saved.checkpoint_name] = saved.data
        # Last: what fails before is left to its lease.
        self._heartbeats.begin(
            self.id, lambda: self._manager.beat(self.id, self.execution.fence), self._note_loss
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeats.end(self.id)
        if self.execution.status not in UNFINISHED or isinstance(error, _NOT_OURS_ANY_MORE):
            return
        if isinstance(error, Exception):
            self._change("failed", error_message=_in_words(error))
        else:
            self._manager.release(self.id, self.execution.fence)

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.execution.id

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of the run's phases, in order."""
        return self.execution.phases

    def phase(self, name: str, *, agent: str | None = None, model: str | None = None) -> Phase:
        """One phase, as a context manager: entering it begins an attempt, leaving it ends the attempt.

        Every phase before it must have completed. A phase that has completed already may be entered again:
        its steps return what they saved. `agent` and `model` are stored with the attempt. Raises
        `InvalidInputError` for a phase that the run does not have, or has not come to.
        """
        if name not in self.phases:
            raise InvalidInputError(
                f"execution {self.id} has no phase {name!r}; it was begun with {', '.join(self.phases)}",
                hint="end that run, or begin the workflow with this phase in `phases`",
            )
        for before in self.phases[: self.phases.index(name)]:
            if not self.has_completed(before):
                raise InvalidInputError(
                    f"execution {self.id} cannot enter {name!r} yet, because {before!r} has not completed",
                    hint=f"enter the phases in their order: {', '.join(self.phases)}",
                )
        return Phase(self, name, agent, model)

    def has_completed(self, phase: str) -> bool:
        """Whether the newest attempt at a phase has completed."""
        newest = self._attempts.get(phase)
        return newest is not None and newest.status == "completed"

    def start_attempt(self, phase: str, agent: str | None, model: str | None) -> Attempt:
        """Begin the next attempt at a phase; for `Phase`."""
        self._check_owner()
        attempt = self._manager.start_attempt(
            self.id, phase, agent=agent, model=model, fence=self.execution.fence
        )
        self._attempts[phase] = attempt
        return attempt

    def finish_attempt(self, attempt: Attempt, outcome: Mapping[str, Any]) -> None:
        """End an attempt; for `Phase`."""
        self._attempts[attempt.phase] = self._manager.finish_attempt(
            attempt, **outcome, fence=self.execution.fence
        )

    def complete_after(self, phase: str) -> None:
        """Complete the run if `phase` is its last one; for `Phase`."""
        if phase == self.phases[-1] and self.execution.status in UNFINISHED:
            self._change("completed")

    def has_step(self, phase: str, name: str) -> bool:
        """Whether a step's result is saved. Raises `OwnershipLostError` when the run was taken over."""
        self._check_owner()
        return (phase, name) in self._saved

    def saved_step(self, phase: str, name: str) -> JSON:
        """The result that a step saved; for `Phase`."""
        return self._saved[phase, name]

    def save_step(self, phase: str, name: str, result: Any) -> None:
        """Save a step's result; for `Phase`. Raises `CheckpointDataError` for what is not JSON."""
        attempt = self._attempts[phase].attempt
        self._manager.save_checkpoint(
            self.id,
            phase,
            name,
            result,
            attempt=attempt,
            op_id=step_op_id(self.id, phase, attempt, name),
            fence=self.execution.fence,
        )
        # A tuple comes back as a list: at once, and not only after a crash.
        self._saved[phase, name] = decode(encode(result, f"step {name!r}"))

    def _note_loss(self, error: OwnershipLostError) -> None:
        self._lost = error

    def _check_owner(self) -> None:
        """Raise the `OwnershipLostError` that a heartbeat met."""
        if self._lost is not None:
            raise self._lost

    def _taken_over(self) -> Execution | None:
        found = self._to_go_on_with()
        if found is None:
            return None
        asked = self._request
        if (found.issue_id, found.workflow) != (asked.issue_id, asked.workflow):
            raise InvalidInputError(
                f"execution {found.id} is a run of workflow {found.workflow!r} on issue {found.issue_id}",
                hint="choose another id, or leave it out",
            )
        return self._manager.take_over(found.id, asked.owner, lease_seconds=asked.lease_seconds)

    def _to_go_on_with(self) -> Execution | None:
        asked = self._request
        if asked.adw_id is not None:
            return self._manager.get_execution(asked.adw_id)
        runs = self._manager.list_executions(issue_id=asked.issue_id, limit=_MOST_RUNS_OF_AN_ISSUE)
        return next(
            (run for run in runs if run.workflow == asked.workflow and run.status in UNFINISHED), None
        )

    def _begun(self) -> Execution:
        asked = self._request
        return self._manager.create_execution(
            asked.issue_id,
            adw_id=asked.adw_id,
            workflow=asked.workflow,
            phases=asked.phases,
            environment=asked.environment,
            issue=asked.issue,
            owner=asked.owner,
            claim=True,
        )

    def _change(self, status: str, *, error_message: str | None = None) -> None:
        self.execution = self._manager.update_execution_status(
            self.id, status, error_message=error_message, fence=self.execution.fence
        )


class Phase:
    """One phase of a run that a program is in; made by `Run.phase`."""

    def __init__(self, run: Run, name: str, agent: str | None, model: str | None) -> None:
        self.run = run
        self.name = name
        self._agent = agent
        self._model = model
        self._attempt: Attempt | None = None
        self._used: dict[str, object] = {}

    def __enter__(self) -> Self:
        if not self.run.has_completed(self.name):
            self._attempt = self.run.start_attempt(self.name, self._agent, self._model)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _NOT_OURS_ANY_MORE):
            return
        if self._attempt is not None:
            self.run.finish_attempt(self._attempt, {**self._used, **_end_of_attempt(error)})
        if error is None:
            self.run.complete_after(self.name)

    @property
    def has_completed(self) -> bool:
        """Whether the phase had completed before it was entered, so that there is nothing left to do."""
        return self._attempt is None

    def step(
        self, name: str, work: Callable[Given, Result], *args: Given.args, **keywords: Given.kwargs
    ) -> Result:
        """The result of the step `name`: saved before, or `work(*args, **keywords)`, done now and saved.

        The result is any JSON value of at most 16 MiB. Raises what `work` raises, `CheckpointDataError`
        for a result that is not JSON, `OwnershipLostError` when another process took the run over.
        """
        if not self.run.has_step(self.name, name):
            self.run.save_step(self.name, name, work(*args, **keywords))
        return cast("Result", self.run.saved_step(self.name, name))

    def used(
        self,
        *,
        exit_code: int | None = None,
        model: str | None = None,
        session_id: str | None = None,
        input_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        output_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost_usd: float | None = None,
        cost_kind: str | None = None,
    ) -> None:
        """Say what the attempt used; it is stored when the phase is left, and the reports count it.

        `cost_usd` is in US dollars, `cost_kind` is reported, estimated or unknown. `input_tokens` are those
        that came from no cache.
        """
        self._used = {
            "exit_code": exit_code,
            "model": model,
            "session_id": session_id,
            "input_tokens": input_tokens,
            "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens,
            "output_tokens": output_tokens,
            "reasoning_tokens": reasoning_tokens,
            "cost_usd": cost_usd,
            "cost_kind": cost_kind,
        }


def _end_of_attempt(error: BaseException | None) -> dict[str, object]:
    """How an attempt ends that was left by `error`: an interruption is no failure."""
    if error is None:
        return {"status": "completed"}
    if isinstance(error, Exception):
        return {"status": "failed", "error_message": _in_words(error), "error_class": "exception"}
    return {"status": "interrupted", "error_message": type(error).__name__}


def _in_words(error: BaseException) -> str:
    """An exception as it is stored: its kind and text, without the credentials of the environment."""
    return recordable(f"{type(error).__name__}: {error}", secret_values(os.environ))
