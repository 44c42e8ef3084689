"""What every attempt of a run works with: one value, made once and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adw_state.agents.agent import Agent
from adw_state.git.worktrees import Worktree
from adw_state.interruption import StopRequest
from adw_state.trackers.issues import Issue
from adw_state.workflow.record.run_record import RunRecord
from adw_state.workflow.reporter import Reporter
from adw_state.workflow.settings import RunSettings
from adw_state.workflow_definitions import WorkflowDefinition


@dataclass(frozen=True, slots=True)
class Work:
    """A run that this process owns, with all that its phases need."""

    settings: RunSettings
    record: RunRecord
    workflow: WorkflowDefinition
    issue: Issue
    agent: Agent
    tree: Worktree
    start_commit: str
    run_folder: Path
    reporter: Reporter
    stop: StopRequest

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the run, whose secrets are masked."""
        return self.settings.environ
