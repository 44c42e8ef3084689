"""Running an agent or a command under limits, so that a crash of ours leaves nothing unknown behind.

The prompt is a file on standard input; output and complaints go straight into files. So nothing is
held in memory, and an agent whose runner was killed can still be understood afterwards. The command
starts behind a small gate: a shell that waits for our word and then becomes the command. The word is
given after the process has been written down, so no agent ever runs that the next run cannot find.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from adw_state.errors import (
    AgentError,
    AgentLeftError,
    AgentMissingError,
    AgentOutputError,
    AgentTimeoutError,
)
from adw_state.interruption import StopRequest
from adw_state.processes.call import Call, Marks, stop_call
from adw_state.processes.orphans import adopting_orphans, reap_orphans
from adw_state.redaction import redact
from adw_state.store.owner import process_mark

# Event streams are long: some repeat a whole message at each of its words.
MOST_OUTPUT_BYTES = 512 * 1024 * 1024
_GATE = 'read -r go || exit 125; exec "$@" <"$0"'
_MOST_COMPLAINT = 2000
_FIRST_POLL_SECONDS = 0.002
_LONGEST_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may run, how much it may print, and how long it may take to stop.

    `idle_seconds` is how long an agent may be silent.
    """

    timeout_seconds: float
    output_bytes: int = MOST_OUTPUT_BYTES
    grace_seconds: float = 5.0
    idle_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a command runs under: its folder and environment, its limits, and what may ask it to stop."""

    cwd: Path
    environ: Mapping[str, str]
    limits: Limits
    stop: StopRequest


@dataclass(frozen=True, slots=True)
class CallFiles:
    """The files of one call: standard input, output and error."""

    prompt: Path
    output: Path
    complaints: Path


def run_process(
    who: str,
    command: Sequence[str],
    files: CallFiles,
    conditions: Conditions,
    started: Callable[[Call], None],
    watch: Callable[[], None] = lambda: None,
) -> int:
    """Run `command` to its end; return its exit code (negative: a signal). Messages call it `who`.

    `started` is called before the command begins, and `watch` again and again while it works. Raises
    `AgentTimeoutError`, `AgentOutputError` (too much), the reason of `stop`, or what `watch` raises; in every
    case no process that it started is left, else it raises `AgentLeftError`.
    """
    marks = Marks.new()
    gate_end, our_end = os.pipe()
    with os.fdopen(gate_end, "rb") as gate, os.fdopen(our_end, "wb", buffering=0) as word:
        process = _start(who, command, gate.fileno(), files, conditions, marks)
        call = _marked_call(process.pid, marks)
        with adopting_orphans() if call.adopts else nullcontext():
            try:
                started(call)
                # A command that is dead already is noticed below, by its exit code.
                with suppress(BrokenPipeError):
                    word.write(b"go\n")
                _wait(process, call, who, files, conditions, watch)
            finally:
                # Also after a normal end: what the agent left running would go on changing the worktree.
                is_over = stop_call(call, conditions.limits.grace_seconds, holds_leader=True)
                _cut(files, conditions.limits.output_bytes)
                process.poll()
                if not is_over:
                    raise AgentLeftError(
                        f"processes of {who} (group {process.pid}) cannot be stopped",
                        hint="end them by hand, then resume",
                    )
    return process.wait()


def find_program(name: str, directory: Path, environ: Mapping[str, str]) -> str:
    """The full path of an agent's program; raises `AgentMissingError`.

    A name with a slash is looked up from `directory` or, where it begins with `~/`, from the home folder;
    any other on the PATH of `environ`.
    """
    if "/" in name:
        place = Path(environ.get("HOME", ""), name[2:]) if name.startswith("~/") else directory / name
        found, where = shutil.which(place), f"it was looked for at {place}"
        if found is None and place.is_file():
            raise AgentMissingError(
                f"the agent's program {name!r} may not be executed",
                hint=f"make it executable: chmod +x {place}",
            )
    else:
        found, where = shutil.which(name, path=environ.get("PATH", os.defpath)), "check the PATH"
    if found is None:
        raise AgentMissingError(
            f"the agent's program {name!r} was not found",
            hint=f"{where}; install it, or name another by --agent (`--agent scripted` needs nothing)",
        )
    return str(Path(found).absolute())


def last_complaint(files: CallFiles, secrets: Iterable[str]) -> str:
    """The end of what an agent printed on standard error, masked."""
    with files.complaints.open("rb") as opened:
        # More than is quoted, so that no credential is cut before it is masked.
        opened.seek(max(0, files.complaints.stat().st_size - 50 * _MOST_COMPLAINT))
        said = redact(opened.read().decode("utf-8", "replace"), secrets)
    return said.strip()[-_MOST_COMPLAINT:].strip()


def _start(
    who: str, command: Sequence[str], gate: int, files: CallFiles, conditions: Conditions, marks: Marks
) -> subprocess.Popen[bytes]:
    with files.output.open("wb") as output, files.complaints.open("wb") as complaints:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GATE, str(files.prompt), *command],
                stdin=gate,
                stdout=output,
                stderr=complaints,
                cwd=conditions.cwd,
                # Some agents believe PWD more than the folder that they are in.
                env=marks.in_environment({**conditions.environ, "PWD": str(conditions.cwd)}),
                start_new_session=True,
            )
        except OSError as error:
            raise AgentError(
                f"{who} cannot be started: {error.strerror}",
                hint="check its arguments and the machine's limits, then resume",
            ) from error


def _marked_call(pid: int, marks: Marks) -> Call:
    """The call of a process that waits for our word."""
    has_limit = marks.put_on(pid)
    return Call(pid, process_mark(pid), marks, adopts=not has_limit and sys.platform == "linux")


def _wait(
    process: subprocess.Popen[bytes],
    call: Call,
    who: str,
    files: CallFiles,
    conditions: Conditions,
    watch: Callable[[], None],
) -> None:
    limits = conditions.limits
    # Real time, not our clock: the process lives in it.
    deadline = time.monotonic() + limits.timeout_seconds
    pause = _FIRST_POLL_SECONDS
    while not _has_ended(process):
        conditions.stop.check()
        if time.monotonic() > deadline:
            raise AgentTimeoutError(
                f"{who} did not end within {limits.timeout_seconds:g} s and was stopped",
                hint="raise agent_timeout_seconds in adw.toml if it needs longer, then resume",
            )
        _check_size(who, files, limits)
        if call.adopts:
            reap_orphans()
        watch()
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_POLL_SECONDS)
    _check_size(who, files, limits)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended. Where the system can, it stays a zombie, which keeps its number."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except (AttributeError, ChildProcessError):
        return process.poll() is not None


def _check_size(who: str, files: CallFiles, limits: Limits) -> None:
    if files.output.stat().st_size + files.complaints.stat().st_size > limits.output_bytes:
        raise AgentOutputError(
            f"{who} printed more than {limits.output_bytes / 1024 / 1024:g} MiB and was stopped",
            hint=f"see how it begins in {files.output}; let it print less, then resume",
        )


def _cut(files: CallFiles, most: int) -> None:
    for file in (files.output, files.complaints):
        if file.stat().st_size > most:
            os.truncate(file, most)
