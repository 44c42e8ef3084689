"""What a run says while it works: events for whoever started it, and the log that people and reports read.

The library prints nothing. A `Progress` is any function that takes an event; `describe` is how a line
on a terminal would say it. The log is in the format that teams' logs have had all along:

    <run root>/logs/<project>/<environment>/<adw_id>/<workflow>/execution.log
    YYYY-MM-DD HH:MM:SS - LEVEL - message

Times are local, without a zone, because every reader of these files expects them so. A message may go
on over more lines, which are indented; text from outside cannot pass for a record (`log_forms`). Each
record is one write to a file opened for appending, so processes that share a log do not cut into each
other's lines. Messages are masked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from adw_state.clock import Clock
from adw_state.git.worktrees import safe_name
from adw_state.log_forms import issue_line, quoted, workflow_line
from adw_state.redaction import redact
from adw_state.run_root import logs_folder
from adw_state.state import Execution
from adw_state.text_files import writing
from adw_state.visible_text import one_line, visible_lines

Kind: TypeAlias = Literal[
    "run_started",  # text: the issue's id and title
    "phase_started",
    "agent_started",  # or a command
    "agent_finished",  # what it said is on the disk, its step is not saved yet
    "commit_made",  # text: the commit; its step is not saved yet
    "step_saved",
    "step_reused",  # it was saved by an attempt that was interrupted
    "phase_finished",
    "phase_failed",  # text: why
    "message",
    "warning",  # something the user must know although the run goes on
    "run_finished",  # text: the status
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run. `seconds` is how long the phase took, where it has ended."""

    kind: Kind
    text: str = ""
    execution_id: str | None = None
    phase: str | None = None
    attempt: int | None = None
    step: str | None = None
    seconds: float | None = None


Progress: TypeAlias = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A progress that shows nothing."""


def describe(event: Event) -> str | None:
    """The event as one line, or None where it is not worth one."""
    where = f"{event.phase}: " if event.phase else ""
    again = f" (attempt {event.attempt})" if (event.attempt or 1) > 1 else ""
    took = "" if event.seconds is None else f" in {event.seconds:.1f} s"
    lines: dict[str, str] = {
        "run_started": f"{event.execution_id} works on {one_line(event.text)}",
        "phase_started": f"{where}started{again}",
        "step_saved": f"{where}{event.step} saved",
        "step_reused": f"{where}{event.step} was saved before",
        "phase_finished": f"{where}completed{took}",
        "phase_failed": f"{where}failed{took}: {event.text}",
        "message": f"{where}{event.text}",
        "warning": f"warning: {event.text}",
        "run_finished": f"{event.execution_id} is {event.text.replace('_', ' ')}",
    }
    return lines.get(event.kind)


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


Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class RunLog:
    """The log of one execution; every process that works on it appends."""

    def __init__(
        self, execution: Execution, project: Path, clock: Clock, secrets: Iterable[str] = ()
    ) -> None:
        parts = (project.name, execution.environment, execution.id, execution.workflow)
        self.path = logs_folder(project).joinpath(*map(_folder, parts), "execution.log")
        self._execution = execution
        self._clock = clock
        self._secrets = tuple(secrets)

    def write(self, level: Level, message: str) -> None:
        """Append one record. Raises `StateFileError` when the file cannot be written."""
        self._append(level, "\n    ".join(visible_lines(redact(message, self._secrets))))

    def write_execution(self) -> None:
        """Append which workflow the run goes through, and what its issue is, as the execution keeps it."""
        run = self._execution
        self._append("INFO", workflow_line(run.workflow, run.phases))
        title = None if run.issue_title is None else redact(run.issue_title, self._secrets)
        self._append("INFO", issue_line(run.issue_id, title, run.issue_type, run.issue_priority))

    def write_error(self, text: str) -> None:
        """Append an error as it was told from outside."""
        self._append("ERROR", quoted(redact(text, self._secrets)))

    def _append(self, level: Level, message: str) -> None:
        moment = self._clock.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        record = f"{moment} - {level} - {message}\n"
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                file.write(record.encode("utf-8", "replace"))


def _folder(text: str) -> str:
    """`text` itself where it can name a folder."""
    plain = text.isprintable() and "/" not in text and text not in ("", ".", "..")
    return text if plain else safe_name(text)
