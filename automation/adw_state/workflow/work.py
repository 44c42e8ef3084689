"""What every attempt of a run works with: one value, made once and passed on; and how it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from adw_state.agents.agent import Agent
from adw_state.git.worktrees import Worktree
from adw_state.interruption import StopRequest
from adw_state.trackers.tracker import Issue
from adw_state.workflow.progress import Event, Kind, Progress
from adw_state.workflow.record.run_log import Level, RunLog
from adw_state.workflow.record.run_record import RunRecord
from adw_state.workflow.settings import RunSettings
from adw_state.workflow_definitions import WorkflowDefinition


@dataclass(frozen=True, slots=True)
class Reporter:
    """Says what happens in an execution, or in one attempt of it."""

    log: RunLog
    progress: Progress
    about: Event

    def of_attempt(self, phase: str, attempt: int) -> Reporter:
        """A reporter whose events name this attempt."""
        return replace(self, about=replace(self.about, phase=phase, attempt=attempt))

    def tell(
        self, kind: Kind, text: str = "", *, step: str | None = None, seconds: float | None = None
    ) -> None:
        """Show an event; nothing is logged."""
        self.progress(replace(self.about, kind=kind, text=text, step=step, seconds=seconds))

    def say(self, text: str) -> None:
        """Show a message and log it."""
        self.log.write("INFO", text)
        self.tell("message", text)

    def warn(self, text: str) -> None:
        """Show a warning and log it."""
        self.log.write("WARNING", text)
        self.tell("warning", text)

    def note(self, level: Level, text: str) -> None:
        """Log a sentence of ours; nothing is shown."""
        self.log.write(level, text)

    def note_error(self, text: str) -> None:
        """Log an error as it was told from outside; nothing is shown."""
        self.log.write_error(text)


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
