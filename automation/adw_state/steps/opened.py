"""The opened state of a project: where runs of a team's own programs begin, and go on.

    with open_state() as state, state.run("bd-42", workflow="ours", phases=["plan", "build"]) as run:
        with run.phase("plan") as phase:
            text = phase.step("written", write_plan)

Programs import `open_state` from `adw_state`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from adw_state.clock import Clock
from adw_state.configuration.settings import Config, load_config
from adw_state.heartbeats import Heartbeats
from adw_state.recovery.opening import open_project
from adw_state.state import BeadsStateManager, IssueSnapshot
from adw_state.steps.run import Run, RunRequest
from adw_state.store.owner import this_owner
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location

if TYPE_CHECKING:
    from adw_state.steps.async_run import AsyncRun


def open_state(
    db: str | os.PathLike[str] | None = None, *, folder: Path | None = None, clock: Clock | None = None
) -> State:
    """Open the database of a project that `adw init` has prepared. Nothing is created.

    Args:
        db: The database; by default the one that `adw where` shows.
        folder: A folder of the project; by default the current one.
        clock: Tells the time; the machine's clock by default.

    Raises:
        DatabaseError: there is no database, or it cannot be used. `NotMigratedError` is the kind for a
            project that has not been prepared.
        ConfigurationError: the project's `adw.toml` cannot be used.
    """
    location = locate(None if db is None else os.fspath(db), cwd=folder)
    config = load_config(location.project, os.environ)
    return State(location, config, open_project(location, clock, as_it_is=db is not None))


class State:
    """An opened project; a context manager. It may be shared by threads and by tasks of an event loop."""

    def __init__(self, location: Location, config: Config, manager: BeadsStateManager) -> None:
        self.location = location
        self.manager = manager
        self._environment = config.environment
        self._lease_seconds = config.lease_seconds
        self._heartbeats = Heartbeats(config.heartbeat_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the heartbeats and close the database."""
        self._heartbeats.close()
        self.manager.close()

    def run(
        self,
        issue_id: str,
        *,
        workflow: str,
        phases: Sequence[str],
        adw_id: str | None = None,
        issue: IssueSnapshot | None = None,
        environment: str | None = None,
    ) -> Run:
        """A run of `workflow` on an issue, as a context manager: begun, or resumed.

        When it is entered, the newest unfinished run of this issue and workflow is taken over, at once if
        its process is dead; where there is none, a run with these phases, in this order, begins. With
        `adw_id` that run is meant, which may also have failed or been cancelled, or is begun under that id.

        Args:
            issue_id: The issue; where the tables lie in the tracker's file, it must be there.
            workflow: The workflow's name, of at most 200 characters.
            phases: The names of its phases: lower-case letters, digits, `-` and `_`, beginning with a letter.
                A run that is resumed keeps the phases that it began with.
            adw_id: The run's id.
            issue: The issue's title, type and priority, where the tracker's file does not tell them.
            environment: Where the run takes place; the configured environment by default.

        Raises on entry:
            ExecutionHeldError: another process, or this one, works on the run.
            IssueClaimedError: a run of another workflow holds the issue.
            IssueNotFoundError, InvalidInputError: there is no such issue; a name is none.
        """
        return Run(
            self.manager,
            self._heartbeats,
            RunRequest(
                issue_id=issue_id,
                workflow=workflow,
                phases=tuple(phases),
                adw_id=adw_id,
                issue=issue,
                environment=environment or self._environment,
                owner=this_owner(),
                lease_seconds=self._lease_seconds,
            ),
        )

    def run_async(
        self,
        issue_id: str,
        *,
        workflow: str,
        phases: Sequence[str],
        adw_id: str | None = None,
        issue: IssueSnapshot | None = None,
        environment: str | None = None,
    ) -> AsyncRun:
        """The same for `async with`; the database is used in threads, so no event loop waits for it."""
        from adw_state.steps.async_run import AsyncRun  # asyncio is slow to import, and most need none

        run = self.run(
            issue_id, workflow=workflow, phases=phases, adw_id=adw_id, issue=issue, environment=environment
        )
        return AsyncRun(run)
