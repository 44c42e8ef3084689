"""The stores of a project's runs: which of them are used, and how a run is begun or found again.

`ADW_USE_BEADS_STATE` true or unset: database and JSON; false: JSON only. A database that is missing, not
migrated, broken, or cannot be written does not stop a run: one warning, and the run is kept in JSON.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adw_state.clock import Clock
from adw_state.configuration.settings import Config
from adw_state.errors import (
    AdwError,
    DatabaseError,
    DatabaseNotFoundError,
    DuplicateExecutionError,
    ExecutionNotFoundError,
    InvalidInputError,
    NotMigratedError,
    StateFileError,
    StoreBusyError,
)
from adw_state.record.json_runs import JsonRuns
from adw_state.record.json_store import BothStores, JsonStore
from adw_state.record.run_record import RunRecord
from adw_state.record.store import DatabaseStore, RunStore, SavedStep
from adw_state.recovery.json_states import reconcile_json_run, reconcile_json_runs
from adw_state.state import ADWState, Attempt, BeadsStateManager, Execution, IssueSnapshot
from adw_state.store.ids import new_execution_id, the_only
from adw_state.store.json_values import JSON
from adw_state.store.records import UNFINISHED
from adw_state.trackers.tracker import Location

FIRST_STEP = "run_started"

Result = TypeVar("Result")
_UNUSABLE = (DatabaseError, StoreBusyError)


@dataclass(frozen=True, slots=True)
class Seen:
    """An execution as it was found: its attempts, and the data of its first step."""

    execution: Execution
    attempts: list[Attempt]
    request: JSON


class Records:
    """The runs of one project."""

    def __init__(self, location: Location, config: Config, clock: Clock, warn: Callable[[str], None]) -> None:
        self._project = location.project
        self._config = config
        self._clock = clock
        self._warn = warn
        self._location = location
        self._json = JsonRuns(location.project, clock)
        self._why_json_only: AdwError | None = None
        self._database = self._open(location)

    def new_id(self) -> str:
        """A fresh execution id."""
        return new_execution_id(self._clock.now())

    def folder(self, execution_id: str) -> Path:
        """The folder of a run. Raises `InvalidInputError` for an id that cannot name one."""
        return ADWState(execution_id, self._project, clock=self._clock).folder

    def begin(self, execution: Execution, request: JSON) -> RunRecord:
        """Begin an execution, whose first step is the request. The database sets the times of its own clock.

        Raises `IssueClaimedError` when another run holds the issue, `DuplicateExecutionError` when the
        id is taken, `InvalidInputError` when it cannot be an id.
        """
        run = self._json.of(execution.id)
        steps = [SavedStep(execution.phase, 1, FIRST_STEP, request)]
        if run.exists:
            raise DuplicateExecutionError(
                f"there is a run with the id {execution.id!r} already",
                hint="leave the id out to get a new one, or resume that run with `adw resume`",
            )
        record = self._ask(
            lambda database: self._record(
                _create(database, execution, request), self._beside(database, run), [], steps
            )
        )
        if record is None:
            self._json.begin(run, execution, steps)
            record = RunRecord(execution, run, [], steps)
        return record

    def look_at(self, execution_id: str) -> Seen:
        """An execution as it is now, from the database or else from its JSON state; nothing is changed.

        Where none has this id, the only one whose id begins so is meant. Raises `ExecutionNotFoundError`,
        and `InvalidInputError` when more than one begins so.
        """
        try:
            return self._look_at(execution_id)
        except ExecutionNotFoundError:
            whole = self._whole_id(execution_id)
            if whole is None:
                raise
        return self._look_at(whole)

    def _whole_id(self, beginning: str) -> str | None:
        found = self._ask(lambda database: database.find_execution(beginning))
        return found.id if found else the_only(self._json.ids(beginning), beginning)

    def _look_at(self, execution_id: str) -> Seen:
        found = self._ask(lambda database: _seen_in(database, execution_id))
        if found is not None:
            return found
        run = self._json.load(execution_id)
        if run is None:
            raise self._not_found(execution_id)
        request = next((step.data for step in run.steps() if step.name == FIRST_STEP), None)
        return Seen(run.execution(), run.attempts(), request)

    def execution_of(self, issue_id: str, execution_id: str | None, *, or_new: bool) -> Execution | None:
        """The execution with this id, else the newest unfinished one of the issue; None if there is none.

        With `or_new` the id may be that of an execution to be begun: then the beginning of an id is taken
        for one only where it names an unfinished execution of the issue. Raises `InvalidInputError` when
        the execution works on another issue.
        """
        if execution_id is None:
            return next(iter(self._unfinished(issue_id)), None)
        try:
            found = (self._look_at if or_new else self.look_at)(execution_id).execution
        except ExecutionNotFoundError:
            if not or_new:
                return None
            named = [run for run in self._unfinished(issue_id) if run.id.startswith(execution_id)]
            return named[0] if len(named) == 1 else None
        if found.issue_id != issue_id:
            raise InvalidInputError(
                f"execution {found.id} works on issue {found.issue_id}, not on {issue_id}",
                hint=f"`adw list --issue {shlex.quote(issue_id)}` shows the executions of {issue_id}",
            )
        return found

    def _unfinished(self, issue_id: str) -> list[Execution]:
        found = self._ask(lambda database: database.list_executions(issue_id=issue_id, limit=1000))
        if found is None:
            found = list(self._json.unfinished(issue_id))
        open_runs = [run for run in found if run.status in UNFINISHED]
        return sorted(open_runs, key=lambda run: (run.started_at, run.id), reverse=True)

    def take_over(self, execution_id: str, owner: str, *, force: bool) -> RunRecord:
        """Go on with an execution that nobody living works on.

        Raises `ExecutionHeldError`, `IllegalTransitionError`, `ExecutionNotFoundError`.
        """
        run = self._json_run(execution_id)

        def in_database(database: BeadsStateManager) -> RunRecord | None:
            if run is not None:
                # What only the JSON state has, because the database was away, comes into the database first.
                with suppress(StateFileError):
                    reconcile_json_run(database, self._project, execution_id)
            if database.get_execution(execution_id) is None:
                return None
            lease = self._config.lease_seconds
            execution = database.take_over(execution_id, owner, lease_seconds=lease, force=force)
            steps = [
                SavedStep(point.phase, point.attempt, point.checkpoint_name, point.data)
                for point in database.list_checkpoints(execution_id)
            ]
            store = self._beside(database, run)
            return self._record(execution, store, database.list_attempts(execution_id), steps)

        record = self._ask(in_database)
        if record is not None:
            return record
        if run is None or not run.exists:
            raise self._not_found(execution_id)
        if self._database is not None:
            self._warn(f"the database does not know {execution_id}, which continues with its JSON state only")
            self.close()
        owned, attempts = run.taken_over(owner)
        return self._record(owned, run, attempts, run.steps())

    def close(self) -> None:
        """Give the database's connections back."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self, location: Location) -> BeadsStateManager | None:
        if self._config.use_beads_state is False:
            self._warn(
                "JSON as the only store is deprecated; unset ADW_USE_BEADS_STATE to use the database as well"
            )
            return None
        if location.fault is not None:
            self._go_on_in_json(location.fault)
            return None
        database = None
        try:
            database = BeadsStateManager(location.database, clock=self._clock)
            database.require_writable()
        except _UNUSABLE as error:
            if database is not None:
                database.close()
            self._go_on_in_json(error)
            return None
        reconcile_json_runs(database, self._project)
        return database

    def _ask(self, question: Callable[[BeadsStateManager], Result]) -> Result | None:
        """What the database answers; None where there is none, or where it turns out to be unusable."""
        if self._database is None:
            return None
        try:
            return question(self._database)
        except _UNUSABLE as error:
            self.close()
            self._go_on_in_json(error)
            return None

    def _go_on_in_json(self, error: AdwError) -> None:
        """Say, once, that the runs are kept in JSON from now on, and why."""
        self._why_json_only = error
        advice = error.hint or "`adw doctor` looks for the cause"
        if isinstance(error, NotMigratedError):
            advice = "`adw init` makes the tables"
        elif isinstance(error, DatabaseNotFoundError) and error is not self._location.fault:
            from adw_state.recovery.places import first_step  # only for who has yet to begin

            advice = first_step(self._location)
        self._warn(
            f"this run is kept in JSON only, because {error}; {advice}, and the run comes in by itself"
        )

    def _not_found(self, execution_id: str) -> AdwError:
        why = self._why_json_only
        if why is None:
            return ExecutionNotFoundError(
                f"there is no execution {execution_id!r}", hint="`adw list` shows the executions"
            )
        return ExecutionNotFoundError(
            f"there is no JSON state of execution {execution_id!r}, and the database cannot be used: {why}",
            hint=why.hint,
        )

    def _json_run(self, execution_id: str) -> JsonStore | None:
        """The JSON state of a run, saved or not; None for one that cannot be read beside a database."""
        try:
            run = self._json.load(execution_id)
            if run is not None:
                run.execution()
            return run or self._json.of(execution_id)
        except StateFileError as error:
            if self._database is None:
                raise
            self._warn(f"the run continues with the database only, because {error}")
            return None

    def _record(
        self, execution: Execution, store: RunStore, attempts: Sequence[Attempt], steps: Sequence[SavedStep]
    ) -> RunRecord:
        store.copy(execution, attempts, steps)
        return RunRecord(execution, store, attempts, steps)

    def _beside(self, database: BeadsStateManager, run: JsonStore | None) -> RunStore:
        """The store of a run that the database keeps, with its JSON state beside it if that can be used."""
        if run is None:
            return DatabaseStore(database)
        return BothStores(DatabaseStore(database), run, self._warn)


def _create(database: BeadsStateManager, asked: Execution, request: JSON) -> Execution:
    return database.create_execution(
        asked.issue_id,
        adw_id=asked.id,
        workflow=asked.workflow,
        phases=asked.phases,
        base_commit=asked.base_commit,
        environment=asked.environment,
        first_checkpoint=(FIRST_STEP, request),
        issue=IssueSnapshot(asked.issue_title, asked.issue_type, asked.issue_priority),
        owner=asked.owner,
        claim=asked.claimed,
        worktree_name=asked.worktree_name,
        worktree_path=asked.worktree_path,
        branch_name=asked.branch_name,
    )


def _seen_in(database: BeadsStateManager, execution_id: str) -> Seen | None:
    found = database.get_execution(execution_id)
    if found is None:
        if database.is_archived(execution_id):
            database.require_execution(execution_id)
        return None
    first = database.load_checkpoint(execution_id, None, FIRST_STEP)
    return Seen(found, database.list_attempts(execution_id), first.data if first else None)
