"""A workflow's own commands, such as its tests: run by the shell, with the same care as an agent.

Standard output and error go into one file, in the order in which they were printed; standard input is empty.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adw_state.agents.calls import CallFolder, run_call
from adw_state.agents.process import CallFiles, Limits
from adw_state.interruption import StopRequest
from adw_state.redaction import recordable, secret_values

_SHELL = ("/bin/sh", "-c", 'exec /bin/sh -c "$1" 2>&1', "sh")
# So much of the output's end is kept with the execution; more is looked through for credentials.
_MOST_TAIL = 4000
_MOST_MASKED = 20 * _MOST_TAIL
_MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended: its exit code (negative: a signal), and the masked end of what it printed."""

    exit_code: int
    tail: str


def name_of(command: str) -> str:
    """A command as messages quote it: on one line, and not all of a long one."""
    line = " ".join(command.split())
    return f"`{line if len(line) <= _MOST_NAME else line[: _MOST_NAME - 1] + '…'}`"


def call_command(
    command: str,
    folder: CallFolder,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    limits: Limits,
    stop: StopRequest,
) -> CommandEnd:
    """Run a shell command to its end. Raises what `run_process` raises."""
    folder.prepare()
    files = CallFiles(Path(os.devnull), output_of(folder), folder.path / "stderr.txt")
    code = run_call(
        f"the command {name_of(command)}",
        (*_SHELL, command),
        folder,
        files,
        cwd=cwd,
        environ=environ,
        limits=limits,
        stop=stop,
    )
    return CommandEnd(code, _tail(folder, environ))


def adopt_command(folder: CallFolder, environ: Mapping[str, str]) -> CommandEnd | None:
    """The end of a command whose runner was killed after it had written the exit code down."""
    code = folder.exit_code
    if code is None or not output_of(folder).is_file():
        return None
    return CommandEnd(code, _tail(folder, environ))


def output_of(folder: CallFolder) -> Path:
    """The file that holds all that a command printed, not masked."""
    return folder.path / "output.txt"


def _tail(folder: CallFolder, environ: Mapping[str, str]) -> str:
    with output_of(folder).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _MOST_MASKED))
        text = file.read().decode("utf-8", "replace")
    return recordable(text, secret_values(environ)).strip()[-_MOST_TAIL:].strip()
