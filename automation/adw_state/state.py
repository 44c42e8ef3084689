"""The door to all state: what a phase imports.

`BeadsStateManager` keeps executions, attempts and checkpoints in the database beside the issues;
`ADWState` keeps the same in JSON files, as a fallback while people move over. Every public method of
the manager is one transaction: it has happened, on the disk, when the method returns, or not at all.

    with BeadsStateManager(".beads/beads.db") as state:
        run = state.create_execution("proj-12", first_checkpoint=("started", {"by": "me"}))
        attempt = state.start_attempt(run.id, "plan")
        state.save_checkpoint(run.id, "plan", "plan_written", {"file": "plan.md"})
        state.finish_attempt(attempt, "completed")
        state.update_execution_status(run.id, "completed")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeAlias, TypeVar

from adw_state import built_in
from adw_state.clock import Clock, format_time
from adw_state.engine.sqlite.connection import BUSY_TIMEOUT_SECONDS
from adw_state.engine.transaction import Transaction
from adw_state.errors import ExecutionNotFoundError
from adw_state.json_state import ADWState
from adw_state.shared_file import SharedFile, home_of
from adw_state.store import archive, attempts, checkpoints, executions, sql, values
from adw_state.store.checkpoints import NewCheckpoint
from adw_state.store.database import DELAYS_SECONDS, Database, Unit
from adw_state.store.executions import PageStart
from adw_state.store.ids import new_execution_id, new_op_id
from adw_state.store.json_values import JSON, encode
from adw_state.store.records import Attempt, Checkpoint, Execution, IssueSnapshot, encode_phases
from adw_state.store.summary import StaleCheckpoint, Summary, summarize
from adw_state.store.values import listed, place_of

if TYPE_CHECKING:
    from adw_state.schema.health import Health
    from adw_state.shared_file.reconciliations import Reconciliation
    from adw_state.store.importing import Tally
    from adw_state.store.runs import RunRows

__all__ = [
    "ADWState",
    "Attempt",
    "BeadsStateManager",
    "Checkpoint",
    "Execution",
    "IssueSnapshot",
    "PageStart",
    "StaleCheckpoint",
    "Summary",
]

_AT_WORK = ("pending", "in_progress")

P = ParamSpec("P")
Result = TypeVar("Result")
Method: TypeAlias = Callable[Concatenate["BeadsStateManager", P], Result]


def _again_once_reconciled(method: Method[P, Result]) -> Method[P, Result]:
    """A write to an execution that is not found is done again once our rows are in step with the tracker.

    An import by the tracker may have sent the execution of a living issue to the archive.
    """

    @wraps(method)
    def wrapped(self: BeadsStateManager, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return method(self, *args, **kwargs)
        except ExecutionNotFoundError:
            if not self._database.home.reconcile():
                raise
            return method(self, *args, **kwargs)

    return wrapped


class BeadsStateManager:
    """Executions, attempts and checkpoints of one database, for many threads and processes at once.

    Opening looks at the file and creates nothing; it raises `DatabaseError` and its kinds. Connections
    are kept between calls, and none is held while the caller does its work. After a fork the child
    gets its own. `fence` arguments are for owners of an execution: with one, a write by a run that was
    replaced raises `OwnershipLostError` and changes nothing.
    """

    def __init__(
        self,
        db_path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        retry_delays_seconds: Sequence[float] = DELAYS_SECONDS,
    ) -> None:
        self._database = Database(
            db_path,
            clock=clock,
            home_of=home_of,
            busy_timeout_seconds=busy_timeout_seconds,
            retry_delays_seconds=retry_delays_seconds,
        )
        self._database.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections. The manager may be used again; it opens the database anew then."""
        self._database.close()

    @property
    def path(self) -> str:
        """The database's real path."""
        return str(self._database.path)

    @property
    def retries(self) -> int:
        """How often a unit of work was tried again after a lock error."""
        return self._database.retries

    @property
    def reconciled(self) -> tuple[Reconciliation, ...]:
        """What was put right, since this manager opened the database, of what the tracker did to our rows."""
        home = self._database.home
        return home.reconciled if isinstance(home, SharedFile) else ()

    @property
    def reconciliation_pending(self) -> bool:
        """Whether something is to be reconciled but the database could not be written."""
        home = self._database.home
        return isinstance(home, SharedFile) and home.pending

    def create_execution(
        self,
        issue_id: str,
        *,
        adw_id: str | None = None,
        workflow: str = built_in.WORKFLOW,
        environment: str = "local",
        phases: Sequence[str] | None = None,
        phase: str | None = None,
        status: str = "pending",
        base_commit: str | None = None,
        worktree_name: str | None = None,
        worktree_path: str | None = None,
        branch_name: str | None = None,
        extra_data: JSON = None,
        first_checkpoint: tuple[str, JSON] | None = None,
        issue: IssueSnapshot | None = None,
        owner: str | None = None,
        claim: bool = False,
    ) -> Execution:
        """Begin an execution, and save its first checkpoint in the same transaction.

        `adw_id` is taken as given, else a fresh sortable id is made. `phases` are the workflow's in order,
        those of the built-in workflow unless given; the execution keeps them, and begins in the first
        unless `phase` names another. Title, type and priority of the issue come from the tracker's file
        where our tables lie in it, or from `issue`. With `claim` the execution holds its issue until it
        ends. Raises `IssueNotFoundError`, `DuplicateExecutionError`, `IssueClaimedError` or
        `InvalidInputError`.
        """
        snapshot = issue or IssueSnapshot()
        execution_id = values.execution_id(
            new_execution_id(self._database.clock.now()) if adw_id is None else adw_id
        )
        all_phases = built_in.PHASES if phases is None else values.phases(phases)
        begins_in = all_phases[0] if phase is None else values.phase(phase)
        place_of(begins_in, all_phases, execution_id)
        new = {
            "id": execution_id,
            "issue_id": values.identifier(issue_id, "the issue's id"),
            "workflow": values.identifier(workflow, "workflow"),
            "environment": values.identifier(environment, "environment"),
            "phases": encode_phases(all_phases),
            "phase": begins_in,
            "status": values.unfinished_status(status),
            "owner": None if owner is None else values.identifier(owner, "owner"),
            "fence": 0 if owner is None else 1,
            "claimed": int(claim),
            "issue_title": values.text(snapshot.title, "the issue's title"),
            "issue_type": values.text(snapshot.issue_type, "the issue's type"),
            "issue_priority": values.whole(snapshot.priority, "the issue's priority", -1000),
            "base_commit": values.text(base_commit, "base_commit"),
            "worktree_name": values.text(worktree_name, "worktree_name"),
            "worktree_path": values.text(worktree_path, "worktree_path"),
            "branch_name": values.text(branch_name, "branch_name"),
            "extra_data": None if extra_data is None else encode(extra_data, "extra_data"),
        }
        first = None
        if first_checkpoint is not None:
            first = self._new_checkpoint(execution_id, begins_in, first_checkpoint[0], first_checkpoint[1])

        return executions.create(self._database, new, first)

    @_again_once_reconciled
    def update_execution_status(
        self,
        execution_id: str,
        status: str,
        *,
        phase: str | None = None,
        error_message: str | None = None,
        fence: int | None = None,
        waiting_for: str | None = None,
        waiting_until: datetime | None = None,
        release_by: str | None = None,
        base_commit: str | None = None,
        worktree_name: str | None = None,
        worktree_path: str | None = None,
        branch_name: str | None = None,
        plan_file: str | None = None,
        pr_created: bool | None = None,
        pr_url: str | None = None,
        extra_data: JSON = None,
    ) -> Execution:
        """Move an execution to another status and set the fields that are given.

        pending may become anything; in_progress and waiting may become each other, and end as completed,
        failed or cancelled; what has ended stays so (`take_over` brings a failed or cancelled execution
        back). Ending frees the issue. A waiting execution keeps it, but has no process: `waiting_for` says
        whether it waits for a `person`, a `limit` or an `event`, `waiting_until` until when, `release_by`
        in words how it is released, and anybody may take it over. Ending and waiting close an attempt that
        is still open as interrupted. Raises `ExecutionNotFoundError`, `IllegalTransitionError`,
        `OwnershipLostError`, `InvalidInputError` (also for a phase that the execution does not have).
        """
        changes = {
            "status": values.execution_status(status),
            "phase": None if phase is None else values.phase(phase),
            "listed": None if phase is None else listed(phase),
            **values.waiting(status, waiting_for, waiting_until, release_by),
            "base_commit": values.text(base_commit, "base_commit"),
            "error_message": values.text(error_message, "error_message"),
            "fence": values.whole(fence, "fence"),
            "worktree_name": values.text(worktree_name, "worktree_name"),
            "worktree_path": values.text(worktree_path, "worktree_path"),
            "branch_name": values.text(branch_name, "branch_name"),
            "plan_file": values.text(plan_file, "plan_file"),
            "pr_created": None if pr_created is None else int(pr_created),
            "pr_url": values.text(pr_url, "pr_url"),
            "extra_data": None if extra_data is None else encode(extra_data, "extra_data"),
        }

        values.execution_id(execution_id)
        if status in _AT_WORK:
            return executions.change_status(self._database, execution_id, changes)
        return self._database.write(lambda tx: attempts.stop_work(tx, execution_id, changes))

    @_again_once_reconciled
    def save_checkpoint(
        self,
        execution_id: str,
        phase: str,
        checkpoint_name: str,
        checkpoint_data: JSON,
        *,
        attempt: int | None = None,
        op_id: str | None = None,
        fence: int | None = None,
    ) -> Checkpoint:
        """Append a checkpoint. `checkpoint_data` is any JSON value of at most 16 MiB.

        `attempt` is the phase's newest one unless given. A save that repeats an `op_id` changes nothing
        and returns what was saved the first time. Raises `CheckpointDataError`,
        `ExecutionNotFoundError`, `OwnershipLostError`, and `InvalidInputError` for a phase that the
        execution does not have.
        """
        new = self._new_checkpoint(
            execution_id, phase, checkpoint_name, checkpoint_data, attempt=attempt, op_id=op_id, fence=fence
        )
        return checkpoints.save(self._database, new, checkpoint_data)

    def load_checkpoint(
        self, execution_id: str, phase: str | None = None, checkpoint_name: str | None = None
    ) -> Checkpoint | None:
        """The newest checkpoint, by seq, of this phase and name where given; None if there is none."""
        values.execution_id(execution_id)
        wanted_phase = None if phase is None else values.phase(phase)
        name = (
            None if checkpoint_name is None else values.identifier(checkpoint_name, "the checkpoint's name")
        )
        return checkpoints.newest(self._database, execution_id, wanted_phase, name)

    def list_checkpoints(self, execution_id: str) -> list[Checkpoint]:
        """The checkpoints of an execution in the order in which they were saved."""
        values.execution_id(execution_id)
        return self._database.read(lambda tx: checkpoints.of_execution(tx, execution_id))

    @_again_once_reconciled
    def start_attempt(
        self,
        execution_id: str,
        phase: str,
        *,
        agent: str | None = None,
        model: str | None = None,
        prompt_sha256: str | None = None,
        workflow_sha256: str | None = None,
        fence: int | None = None,
    ) -> Attempt:
        """Begin the next attempt at a phase; the execution is then in progress in that phase.

        The SHA-256 are those of the prompt's template and of the workflow's definition. One attempt of an
        execution is open at a time. Raises `IllegalTransitionError`, `ExecutionNotFoundError`,
        `OwnershipLostError`, and `InvalidInputError` for a phase that the execution does not have.
        """
        values.execution_id(execution_id)
        values.phase(phase)
        used = {
            "agent": values.text(agent, "agent"),
            "model": values.text(model, "model"),
            "prompt_sha256": values.sha256(prompt_sha256, "prompt_sha256"),
            "workflow_sha256": values.sha256(workflow_sha256, "workflow_sha256"),
        }
        held = values.whole(fence, "fence")
        return self._database.write(lambda tx: attempts.start(tx, execution_id, phase, held, used))

    @_again_once_reconciled
    def finish_attempt(
        self,
        attempt: Attempt,
        status: str,
        *,
        error_class: str | None = None,
        error_message: str | None = None,
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
        fence: int | None = None,
    ) -> Attempt:
        """End an attempt as completed, failed or interrupted. It must still be open.

        `error_class` is a name such as `rejected`. `input_tokens` leaves out what a cache gave. A cost is
        `reported` unless `cost_kind` says `estimated`; `unknown` says that there was one. Raises
        `IllegalTransitionError`, `ExecutionNotFoundError`, `OwnershipLostError`.
        """
        outcome = {
            "status": values.attempt_end(status),
            "error_class": None if error_class is None else values.name(error_class, "an error_class"),
            "error_message": values.text(error_message, "error_message"),
            "exit_code": values.whole(exit_code, "exit_code", -(2**31)),
            "fence": values.whole(fence, "fence"),
            **values.agent_use(
                {
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
            ),
        }
        return self._database.write(lambda tx: attempts.finish(tx, attempt, outcome))

    @_again_once_reconciled
    def note_use(self, attempt: Attempt, used: Mapping[str, Any], *, fence: int | None = None) -> Attempt:
        """Note what the agent of an attempt has used so far, or had used when its process died.

        `used` are fields of the attempt from `model` on; those that are None stay as they are. Raises as
        `finish_attempt`, also for an attempt that is completed or failed.
        """
        known = {**values.agent_use(used), "fence": values.whole(fence, "fence")}
        return self._database.write(lambda tx: attempts.note_use(tx, attempt, known))

    def list_attempts(self, execution_id: str) -> list[Attempt]:
        """The attempts of an execution in the order in which they began."""
        values.execution_id(execution_id)
        return self._database.read(lambda tx: attempts.of_execution(tx, execution_id))

    @_again_once_reconciled
    def take_over(
        self,
        execution_id: str,
        owner: str,
        *,
        lease_seconds: float = built_in.LEASE_SECONDS,
        force: bool = False,
    ) -> Execution:
        """Make `owner` the owner of an unfinished, failed or cancelled execution, to go on with it.

        Allowed when it is waiting, when its owner is dead or has given no sign of life for `lease_seconds`,
        or with `force`.
        The fence rises, open attempts are closed as interrupted, and the execution is in progress again.
        An unfinished execution holds its issue if it did before; one that had ended holds it again (not
        with `force`). Raises `ExecutionHeldError`, `IssueClaimedError`, `IllegalTransitionError`,
        `ExecutionNotFoundError`.
        """
        values.execution_id(execution_id)
        values.identifier(owner, "owner")
        lease = values.number(lease_seconds, "lease_seconds")

        def unit(tx: Transaction) -> Execution:
            execution = executions.take_over(tx, execution_id, owner, lease_seconds=lease, force=force)
            attempts.interrupt_open(
                tx, execution_id, "the process that ran this attempt ended before the attempt did"
            )
            return execution

        return self._database.write(unit)

    @_again_once_reconciled
    def beat(self, execution_id: str, fence: int) -> None:
        """Record a sign of life of the owner, and settle in the file what was written since the last one.

        Raises `OwnershipLostError` when the owner was replaced.
        """
        values.execution_id(execution_id)
        executions.beat(self._database, execution_id, fence)
        self._database.settle()

    @_again_once_reconciled
    def release(self, execution_id: str, fence: int) -> None:
        """Give up an unfinished execution that its owner stops to work on; anybody may take it over at once.

        Raises `OwnershipLostError` when another process took it over, `IllegalTransitionError` when it ended.
        """
        values.execution_id(execution_id)
        executions.release(self._database, execution_id, fence)

    def get_execution(self, execution_id: str) -> Execution | None:
        """One execution, or None."""
        values.execution_id(execution_id)
        return self._database.read(lambda tx: executions.get(tx, execution_id))

    def find_execution(self, execution_id: str) -> Execution | None:
        """The execution with this id, else the only one whose id begins so; None if there is none.

        Raises `InvalidInputError` when more than one begins so.
        """
        values.execution_id(execution_id)
        return self._database.read(lambda tx: executions.get_by_beginning(tx, execution_id))

    def require_execution(self, execution_id: str) -> Execution:
        """As `find_execution`, but raises `ExecutionNotFoundError`, which says so where it was archived."""
        values.execution_id(execution_id)
        return self._database.read(
            lambda tx: executions.get_by_beginning(tx, execution_id) or executions.require(tx, execution_id)
        )

    def is_archived(self, execution_id: str) -> bool:
        """Whether the archive has an execution of this id."""
        values.execution_id(execution_id)
        return self._database.read(lambda tx: archive.is_archived(tx, execution_id))

    def list_executions(
        self,
        *,
        issue_id: str | None = None,
        status: str | None = None,
        phase: str | None = None,
        environment: str | None = None,
        started_after: datetime | None = None,
        after: PageStart | None = None,
        limit: int = 100,
    ) -> list[Execution]:
        """Executions that match every filter given, newest first, at most `limit` (1 to 10,000).

        `after` continues behind the last execution of the page before.
        """
        filters = {
            "issue_id": None if issue_id is None else values.identifier(issue_id, "the issue's id"),
            "status": None if status is None else values.execution_status(status),
            "phase": None if phase is None else values.phase(phase),
            "environment": None if environment is None else values.identifier(environment, "environment"),
            "started_after": None if started_after is None else format_time(started_after),
        }
        most = values.count(limit, "limit", 10_000)
        return self._database.read(lambda tx: executions.find(tx, filters, after, most))

    def summarize(
        self,
        *,
        stale_hours: float = built_in.STALE_HOURS,
        lease_seconds: float = built_in.LEASE_SECONDS,
        most: int = 10,
    ) -> Summary:
        """Counts by status; what is unfinished, and whether it lives; what failed last; what is stale.

        Of each at most `most` rows.
        """
        moment = self._database.clock.now()
        return self._database.read(
            lambda tx: summarize(
                tx, moment=moment, stale_hours=stale_hours, lease_seconds=lease_seconds, most=most
            )
        )

    def read(self, unit: Unit[Result]) -> Result:
        """The result of a unit of work that only reads, from one unchanging picture of the database.

        Internal: for this program's own reports. A unit sees the tables, whose shape may change.
        """
        return self._database.read(unit)

    def archive_old_executions(self, days: float = 90) -> int:
        """Move executions that ended more than `days` ago to the archive tables; how many there were."""
        return archive.archive_finished(self._database, days)

    def import_run(self, run: RunRows, source: str) -> Tally:
        """Take in a run that was kept elsewhere, as far as it is missing here or further than here.

        Internal: for history that comes back. A run that breaks a rule of the tables is left out. What comes
        in is written down, with its source.
        """
        from adw_state.shared_file.reconciliations import record_import
        from adw_state.store.importing import import_run

        def unit(tx: Transaction) -> Tally:
            tally = import_run(tx, run)
            record_import(tx, "recovered", source, tally)
            return tally

        return self._database.write(unit)

    def require_writable(self) -> None:
        """Raise the `DatabaseError`, or `StoreBusyError`, that a write would meet now; nothing is changed."""
        self._database.write(lambda tx: tx.execute(sql.load("health")["write_nothing"]))

    def check_health(self) -> Health:
        """Whether the database can be relied on: file, schema, references, lock, log and disk."""
        from adw_state.schema.check import Target
        from adw_state.schema.health import check_health

        database = self._database
        return check_health(Target(database.path, database.clock))

    def _new_checkpoint(
        self,
        execution_id: str,
        phase: str,
        name: str,
        data: JSON,
        *,
        attempt: int | None = None,
        op_id: str | None = None,
        fence: int | None = None,
    ) -> NewCheckpoint:
        return {
            "op_id": new_op_id() if op_id is None else values.identifier(op_id, "op_id"),
            "execution_id": values.execution_id(execution_id),
            "phase": values.phase(phase),
            "listed": listed(phase),
            "attempt": values.whole(attempt, "attempt", 1),
            "checkpoint_name": values.identifier(name, "the checkpoint's name"),
            "checkpoint_data": encode(data, f"checkpoint {name!r}"),
            "fence": values.whole(fence, "fence"),
        }
