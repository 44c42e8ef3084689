"""One voice for a run: what happens goes to its log and to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adw_state.workflow.progress import Event, Kind, Progress
from adw_state.workflow.record.run_log import Level, RunLog


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
