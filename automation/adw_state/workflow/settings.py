"""What a run is told, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adw_state.agents.process import Limits
from adw_state.clock import Clock
from adw_state.config import Config
from adw_state.errors import AdwError
from adw_state.state import Execution
from adw_state.trackers.locate import Location
from adw_state.workflow.progress import Event, Progress, silent


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Where and how runs are made.

    `workflow` is what a new run does, unless it is the configuration's default. `agent` overrides the one a
    run began with, and that the configuration's. `force` starts a second run on an issue, or takes a run over
    from a living owner. `allow_dirty` starts although tracked files have uncommitted changes. `last_phase`
    ends the run early, when this phase has completed, and leaves it in progress; `pause_after` does so after
    the step of that name. `limits` are those of the configuration unless given.

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
    pause_after: str | None = None
    limits: Limits | None = None
    base: str | None = None
    here: Path | None = None

    @property
    def agent_limits(self) -> Limits:
        """The limits of an agent call."""
        return self.limits or Limits(self.config.agent_timeout_seconds)

    def warn(self, text: str) -> None:
        """Show a warning that belongs to no execution."""
        self.progress(Event("warning", text))


@dataclass(frozen=True, slots=True)
class Outcome:
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
