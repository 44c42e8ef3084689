"""What a run is told, what it works with, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from adw_state.agents.agent import Agent
from adw_state.agents.prices import Prices
from adw_state.clock import Clock
from adw_state.configuration.definitions import WorkflowDefinition
from adw_state.configuration.settings import Config
from adw_state.errors import AdwError
from adw_state.git.command import agent_environment
from adw_state.git.repository import Repository
from adw_state.git.worktree_notes import slot_of
from adw_state.git.worktrees import Worktree
from adw_state.interruption import StopRequest
from adw_state.processes.running import Conditions, Limits
from adw_state.record.run_record import RunRecord
from adw_state.redaction import secret_values
from adw_state.state import Execution
from adw_state.trackers.tracker import Issue, Location
from adw_state.workflow.progress import Event, Progress, Reporter, RunLog, silent
from adw_state.workflow.requests import Request, worktree_path_of


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Where and how runs are made.

    `workflow` is what a new run does, unless it is the configuration's default. `agent` overrides those a run
    began with, in every phase, and these the configuration's. `force` starts a second run on an issue, or
    takes a run over from a living owner. `allow_dirty` starts although tracked files have uncommitted
    changes. `last_phase` ends the run early, when this phase has completed, and leaves it in progress;
    `pause_after` does so after the step of that name. With `only_phase` that phase alone is done, and it
    sends nothing back. `limits` are those of the configuration unless given.

    A run starts at the commit that `base` names, else at the one checked out in `here`, the folder where
    the user stands, or in the project where `here` is not given.
    """

    location: Location
    config: Config
    environ: Mapping[str, str]
    clock: Clock
    progress: Progress = silent
    workflow: str | None = None
    agent: str | None = None
    force: bool = False
    allow_dirty: bool = False
    last_phase: str | None = None
    only_phase: str | None = None
    pause_after: str | None = None
    limits: Limits | None = None
    base: str | None = None
    here: Path | None = None

    @property
    def agent_limits(self) -> Limits:
        """The limits of an agent call."""
        return self.limits or Limits(
            self.config.agent_timeout_seconds, idle_seconds=self.config.idle_timeout_seconds
        )

    def warn(self, text: str) -> None:
        """Show a warning that belongs to no execution."""
        self.progress(Event("warning", text))


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How far a run has come: `status` is completed, failed, or in_progress when it was to end early.

    `error` is why it failed; its message is also the execution's error_message.
    """

    execution: Execution
    error: AdwError | None = None

    @property
    def status(self) -> str:
        """The execution's status."""
        return self.execution.status

    @property
    def exit_code(self) -> int:
        """0, or the exit code of the error that the run failed with."""
        return 0 if self.error is None else self.error.exit_code


def worktree_of(
    settings: RunSettings, repository: Repository, execution: Execution, stop: StopRequest
) -> Worktree:
    """The worktree of an execution, whether it is there or not."""
    path = worktree_path_of(execution, settings.location.project)
    return Worktree(repository.common_dir, path, stop, settings.config.git_timeout_seconds)


def conditions_in(settings: RunSettings, tree: Worktree) -> Conditions:
    """What agents and commands run under that work in this worktree."""
    environ = agent_environment(settings.environ, tree.path, slot_of(tree))
    return Conditions(tree.path, environ, settings.agent_limits, tree.stop)


@dataclass(frozen=True)
class Work:
    """An execution that this process works on, with all that its phases need; `agents` by phase."""

    settings: RunSettings
    repository: Repository
    record: RunRecord
    request: Request
    agents: Mapping[str, Agent]
    prices: Prices
    run_folder: Path
    stop: StopRequest

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is masked in all that is stored, logged and shown."""
        return secret_values(self.settings.environ)

    @property
    def workflow(self) -> WorkflowDefinition:
        """The workflow that the execution began with."""
        return self.request.workflow

    @property
    def issue(self) -> Issue:
        """The issue as it was when the execution began."""
        return self.request.issue

    @cached_property
    def tree(self) -> Worktree:
        """Where the execution works."""
        return worktree_of(self.settings, self.repository, self.record.execution, self.stop)

    @cached_property
    def start_commit(self) -> str:
        """Where the worktree is made at, if it is not there."""
        return self.record.newest_commit() or self.repository.start

    @cached_property
    def reporter(self) -> Reporter:
        """Says what happens in the execution."""
        execution, settings = self.record.execution, self.settings
        log = RunLog(execution, settings.location.project, settings.clock, self.secrets)
        return Reporter(log, settings.progress, Event("run_started", execution_id=execution.id))
