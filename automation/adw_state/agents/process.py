"""Running an agent or a command under limits, so that a crash of ours leaves nothing unknown behind.

The prompt is a file on standard input; output and complaints go straight into files. So nothing is
held in memory, and an agent whose runner was killed can still be understood afterwards. The command
starts behind a small gate: a shell that waits for our word and then becomes the command. The word is
given after the process has been written down, so no agent ever runs that the next run cannot find.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adw_state.errors import AgentError, AgentMissingError, AgentOutputError, AgentTimeoutError
from adw_state.interruption import StopRequest
from adw_state.redaction import redact

MOST_OUTPUT_BYTES = 64 * 1024 * 1024
_GATE = 'read -r go || exit 125; exec "$@" <"$0"'
_MOST_COMPLAINT = 2000
_FIRST_POLL_SECONDS = 0.002
_LONGEST_POLL_SECONDS = 0.02
_POLL_SECONDS = 0.02
_AFTER_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may run, how much it may print, and how long it may take to stop."""

    timeout_seconds: float
    output_bytes: int = MOST_OUTPUT_BYTES
    grace_seconds: float = 5.0


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
    started: Callable[[int], None],
) -> int:
    """Run `command` to its end; return its exit code (negative: a signal). Messages call it `who`.

    `started` is called with the pid, which is also the group, before the command begins. Raises
    `AgentTimeoutError`, `AgentOutputError` (too much), or the reason of `stop`; in every case no process
    that it started is left.
    """
    gate_end, our_end = os.pipe()
    with os.fdopen(gate_end, "rb") as gate, os.fdopen(our_end, "wb", buffering=0) as word:
        process = _start(who, command, gate.fileno(), files, conditions)
        try:
            started(process.pid)
            # A command that is dead already is noticed below, by its exit code.
            with suppress(BrokenPipeError):
                word.write(b"go\n")
            _wait(process, who, files, conditions)
        finally:
            # Also after a normal end: what the agent left running would go on changing the worktree.
            emptied = stop_group(process.pid, conditions.limits.grace_seconds, process.poll)
            if emptied:
                process.wait()
            _cut(files, conditions.limits.output_bytes)
    if not emptied:
        raise AgentError(
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
    who: str, command: Sequence[str], gate: int, files: CallFiles, conditions: Conditions
) -> subprocess.Popen[bytes]:
    with files.output.open("wb") as output, files.complaints.open("wb") as complaints:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GATE, str(files.prompt), *command],
                stdin=gate,
                stdout=output,
                stderr=complaints,
                cwd=conditions.cwd,
                env=dict(conditions.environ),
                start_new_session=True,
            )
        except OSError as error:
            raise AgentError(
                f"{who} cannot be started: {error.strerror}",
                hint="check its arguments and the machine's limits, then resume",
            ) from error


def _wait(process: subprocess.Popen[bytes], who: str, files: CallFiles, conditions: Conditions) -> None:
    limits = conditions.limits
    # Real time, not our clock: the process lives in it.
    deadline = time.monotonic() + limits.timeout_seconds
    pause = _FIRST_POLL_SECONDS
    while process.poll() is None:
        conditions.stop.check()
        if time.monotonic() > deadline:
            raise AgentTimeoutError(
                f"{who} did not end within {limits.timeout_seconds:g} s and was stopped",
                hint="raise agent_timeout_seconds in adw.toml if it needs longer, then resume",
            )
        _check_size(who, files, limits)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_POLL_SECONDS)
    _check_size(who, files, limits)


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


def group_members(group: int) -> list[int]:
    """The living processes of a process group; zombies do not count."""
    if Path("/proc/self/stat").exists():
        return [pid for pid, (state, its) in _linux_processes().items() if its == group and state not in "ZX"]
    return _ps_members(group)


def stop_group(group: int, grace_seconds: float, reap: Callable[[], object] = lambda: None) -> bool:
    """End every process of a group: SIGTERM, `grace_seconds` to comply, SIGKILL.

    `reap` is called while waiting, so that a parent can collect its child. Returns whether the group is
    empty now.
    """
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _AFTER_KILL_SECONDS)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            # macOS says so when only zombies are left.
            return not group_members(group)
        # Real time, because the processes live in it.
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap()
            if not group_members(group):
                return True
            time.sleep(_POLL_SECONDS)
    return not group_members(group)


def has_marker(pid: int, marker: str) -> bool:
    """Whether a process was started with this `NAME=value` in its environment; False where hidden."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return marker.encode() in environment.split(b"\0")


def _linux_processes() -> dict[int, tuple[str, int]]:
    """State and group of every process, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_bytes()
        except OSError:
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        found[int(entry.name)] = (fields[0].decode("ascii"), int(fields[2]))
    return found


def _ps_members(group: int) -> list[int]:
    import subprocess

    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and int(row[1]) == group and row[2][0] != "Z"]
