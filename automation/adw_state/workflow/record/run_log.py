"""The log of a run: `execution.log`, in the format that teams' logs have had all along.

    <run root>/logs/<project>/<environment>/<adw_id>/<workflow>/execution.log
    YYYY-MM-DD HH:MM:SS - LEVEL - message

Times are local, without a zone, because every reader of these files expects them so. A message may go
on over more lines, which are indented; text from outside cannot pass for a record (`log_forms`). Each
record is one write to a file opened for appending, so processes that share a log do not cut into each
other's lines. Messages are masked first.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from adw_state.clock import Clock
from adw_state.errors import StateFileError
from adw_state.git.worktrees import safe_name
from adw_state.log_forms import issue_line, quoted, workflow_line
from adw_state.redaction import redact
from adw_state.run_root import logs_folder
from adw_state.visible_text import visible_lines

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class RunLog:
    """The log of one execution; every process that works on it appends."""

    def __init__(self, path: Path, clock: Clock, secrets: Iterable[str] = ()) -> None:
        self.path = path
        self._clock = clock
        self._secrets = tuple(secrets)

    def write(self, level: Level, message: str) -> None:
        """Append one record. Raises `StateFileError` when the file cannot be written."""
        self._append(level, "\n    ".join(visible_lines(redact(message, self._secrets))))

    def write_issue(
        self, issue_id: str, title: str | None, issue_type: str | None, priority: int | None
    ) -> None:
        """Append what the issue of the run is, as the execution keeps it."""
        masked = None if title is None else redact(title, self._secrets)
        self._append("INFO", issue_line(issue_id, masked, issue_type, priority))

    def write_workflow(self, workflow: str, phases: Iterable[str]) -> None:
        """Append which workflow the run goes through."""
        self._append("INFO", workflow_line(workflow, phases))

    def write_error(self, text: str) -> None:
        """Append an error as it was told from outside."""
        self._append("ERROR", quoted(redact(text, self._secrets)))

    def _append(self, level: Level, message: str) -> None:
        moment = self._clock.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        record = f"{moment} - {level} - {message}\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                file.write(record.encode("utf-8", "replace"))
        except OSError as error:
            raise StateFileError(
                f"the log {self.path} cannot be written: {error.strerror}",
                hint="check the permissions and the free disk space",
            ) from error


def log_path(project: Path, *, environment: str, execution_id: str, workflow: str) -> Path:
    """Where the log of an execution lies."""
    parts = [_folder(part) for part in (project.name, environment, execution_id, workflow)]
    return logs_folder(project).joinpath(*parts, "execution.log")


def _folder(text: str) -> str:
    """`text` itself where it can name a folder."""
    plain = text.isprintable() and "/" not in text and text not in ("", ".", "..")
    return text if plain else safe_name(text)
