"""Calls of agents and commands in the run's folder: made, found again after a crash, adopted or stopped.

<run root>/agents/<adw_id>/<phase>/attempt-<n>/
    prompt.md  raw_output.jsonl  stderr.txt     what went in and came out, not masked, for the owner only
    process.json                                which process it is, written before it begins
    last_event.json                             what its last event was, and when, written while it works
    ended.json                                  how it ended, written when it has
    unknown-session/                            a call that failed because the agent had lost its session

A workflow's own command, such as its tests, is run by the shell with the same care as an agent. Its standard
output and error go into one file, output.txt, in the order in which they were printed; its standard input is
empty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adw_state.agents.agent import Agent
from adw_state.agents.last_event import forget_last_event
from adw_state.agents.listening import Listener
from adw_state.agents.reading import AGENT_ERROR, CUT_OFF, Reading, class_of, read_output
from adw_state.agents.result import MOST_MASKED, AgentResult
from adw_state.errors import (
    AdwError,
    AgentExitError,
    AgentLeftError,
    AgentMissingError,
    SessionUnknownError,
)
from adw_state.processes.call import Call, Marks, stop_call
from adw_state.processes.running import (
    CallFiles,
    Conditions,
    last_complaint,
    run_process,
)
from adw_state.redaction import recordable, redact, secret_values
from adw_state.store.json_values import JSON
from adw_state.store.owner import host_name
from adw_state.text_files import replace_file

_SHELL = ("/bin/sh", "-c", 'exec /bin/sh -c "$1" 2>&1', "sh")
# So much of the output's end is kept with the execution; more is looked through for credentials.
_MOST_TAIL = 4000
_MOST_MASKED = 20 * _MOST_TAIL
_MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class Session:
    """The session that a call is to begin, or to resume; an agent that is told neither chooses one."""

    begin: str | None = None
    resume: str | None = None


NO_SESSION = Session()


@dataclass(frozen=True, slots=True)
class CallFolder:
    """The folder of one call of an agent or a command."""

    path: Path

    @property
    def files(self) -> CallFiles:
        """Prompt, output and standard error of an agent."""
        return CallFiles(self.path / "prompt.md", self.path / "raw_output.jsonl", self.path / "stderr.txt")

    @property
    def process(self) -> Path:
        """Which process it is."""
        return self.path / "process.json"

    @property
    def ended(self) -> Path:
        """How it ended."""
        return self.path / "ended.json"

    @property
    def exit_code(self) -> int | None:
        """The exit code that was written down; None where the end of the call is not known."""
        code = (_read(self.ended) or {}).get("exit_code")
        return code if isinstance(code, int) else None

    def prepare(self) -> None:
        """Make the folder, without what an earlier call wrote down in it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in (self.process, self.ended):
            old.unlink(missing_ok=True)
        forget_last_event(self.path)

    def put_aside(self, name: str) -> None:
        """Keep the files of the call that has ended in a folder of this name."""
        aside = self.path / name
        aside.mkdir(mode=0o700, exist_ok=True)
        files = self.files
        for file in (files.prompt, files.output, files.complaints, self.process, self.ended):
            if file.exists():
                file.replace(aside / file.name)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended: the process's exit code and what the agent answered.

    `result` is what may be stored. `answer` is the answer as it was said: whole and not masked.
    """

    exit_code: int
    result: AgentResult
    answer: str


def call_folder(run_folder: Path, phase: str, attempt: int) -> CallFolder:
    """Where the agent call of an attempt lies."""
    return CallFolder(run_folder / phase / f"attempt-{attempt}")


def call_agent(
    agent: Agent,
    kind: str,
    prompt: str,
    folder: CallFolder,
    conditions: Conditions,
    session: Session = NO_SESSION,
    heard: Callable[[Reading], None] = lambda _: None,
) -> CallEnd:
    """Let an agent work on a prompt until it ends; return what it answered.

    `heard` is told while it works what it has said so far. A result that reports an error, or that the agent
    was cut off, comes back as a result. Raises `AgentError` and its kinds when there is none,
    `SessionUnknownError` where the agent has lost its session, or the reason of `stop`.
    """
    folder.prepare()
    folder.files.prompt.write_text(prompt, encoding="utf-8", errors="replace")
    who, command = f"the agent {agent.name}", agent.command_for(kind, session.begin, session.resume)
    reading = agent.new_reading()
    reading.session_id = session.begin or session.resume
    listener = Listener(who, folder.files.output, reading, conditions.limits.idle_seconds, heard)
    code = _run(who, command, folder, folder.files, conditions, listener.listen)
    listener.end()
    known = secret_values(conditions.environ)
    _check_session(agent, folder, session, listener.reading, known)
    if code in (126, 127) and not folder.files.output.stat().st_size:
        complaint = last_complaint(folder.files, known) or f"exit code {code}"
        raise AgentMissingError(
            f"the agent {agent.name} cannot be started: {complaint}",
            hint="install it, or name another by --agent",
        )
    return _understand(agent, folder, code, listener.reading, known)


def _run(
    who: str,
    command: Sequence[str],
    folder: CallFolder,
    files: CallFiles,
    conditions: Conditions,
    watch: Callable[[], None] = lambda: None,
) -> int:
    """Run a command to its end, and write down in its folder which process it is and how it ended."""
    try:
        code = run_process(
            who,
            command,
            files,
            conditions,
            started=lambda call: _write(folder.process, _identity(call)),
            watch=watch,
        )
    except AgentLeftError:
        # Its end is not written down, so that the next run tries again.
        raise
    except AdwError as error:
        _write(folder.ended, {"exit_code": None, "stopped": type(error).__name__})
        raise
    _write(folder.ended, {"exit_code": code, "stopped": None})
    return code


def adopt(agent: Agent, folder: CallFolder, environ: Mapping[str, str]) -> CallEnd | None:
    """The end of a call whose runner was killed, if it can be proven that the agent had done its work.

    It is proven by the exit code 0 that was written down, or, where the runner did not live to see the
    end, by a result without error of an agent that says when it is done. No process of the call
    may be alive.
    """
    ended = _read(folder.ended)
    if not folder.files.output.is_file() or (ended is not None and ended.get("exit_code") != 0):
        return None
    reading = read_output(folder.files.output, agent.new_reading())
    if ended is None and not reading.says_when_done:
        return None
    known = secret_values(environ)
    result = _of(agent, reading, known)
    return None if result.error is not None else CallEnd(0, result.for_record(known), result.text)


def said_so_far(agent: Agent, folder: CallFolder, environ: Mapping[str, str]) -> AgentResult | None:
    """What an agent that was stopped had said and used; None where it was not called."""
    if not folder.files.output.is_file():
        return None
    known = secret_values(environ)
    return _of(agent, read_output(folder.files.output, agent.new_reading()), known).for_record(known)


def stop_leftovers(run_folder: Path, grace_seconds: float) -> list[int]:
    """End what the calls of a run left behind whose runner was killed; returns the groups they began with.

    Raises `AgentLeftError` when something cannot be stopped.
    """
    stopped = []
    for process in sorted(run_folder.glob("*/attempt-*/process.json")):
        folder = CallFolder(process.parent)
        call = None if folder.ended.exists() else _call_in(process)
        # What an agent that has ended left running says nothing of its answer.
        was_cut_off = call is not None and call.is_led
        if call is None or not (was_cut_off or call.living()):
            continue
        if not stop_call(call, grace_seconds):
            raise AgentLeftError(
                f"what an earlier run left behind (process group {call.leader}) cannot be stopped",
                hint="end it by hand, then resume",
            )
        if was_cut_off:
            _write(folder.ended, {"exit_code": None, "stopped": "leftover"})
        stopped.append(call.leader)
    return stopped


def _check_session(
    agent: Agent, folder: CallFolder, session: Session, reading: Reading, secrets_known: tuple[str, ...]
) -> None:
    """Raise `SessionUnknownError` where an agent refused to resume its session, and did nothing else."""
    if session.resume is None:
        return
    result = reading.result(secrets_known)
    said = f"{result.error or ''}\n{last_complaint(folder.files, secrets_known)}"
    if result.error is not None and not result.text and agent.does_not_know_session(said):
        raise SessionUnknownError(
            f"the agent {agent.name} does not know its session {session.resume} any more"
        )


def _understand(
    agent: Agent, folder: CallFolder, code: int, reading: Reading, secrets_known: tuple[str, ...]
) -> CallEnd:
    result = _of(agent, reading, secrets_known)
    if code != 0 and (result.error is None or result.error_class == CUT_OFF):
        said = redact(result.text[:MOST_MASKED], secrets_known)[:500].strip()
        complaint = last_complaint(folder.files, secrets_known) or said
        ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise AgentExitError(
            f"the agent {agent.name} {ended}" + (f": {complaint}" if complaint else " and said nothing"),
            hint=f"see what it printed in {folder.path}, then resume",
            code=code,
            kind=_class_at_exit(reading, complaint),
        )
    return CallEnd(code, result.for_record(secrets_known), result.text)


def _class_at_exit(reading: Reading, complaint: str) -> str | None:
    """The class of an exit code that says failure, where more is known than that."""
    known = class_of(complaint)
    if known != AGENT_ERROR:
        return known
    return CUT_OFF if reading.says_when_done and reading.events else None


def _of(agent: Agent, reading: Reading, secrets_known: tuple[str, ...]) -> AgentResult:
    """What was read, with the model that the command names where the output names none."""
    result = reading.result(secrets_known)
    return replace(result, model=result.model or agent.model)


def _identity(call: Call) -> dict[str, JSON]:
    return {"pid": call.leader, "mark": call.mark, "host": host_name(), "marker": call.marks.token}


def _call_in(file: Path) -> Call | None:
    """The call that was written down; None where that was on another host, or cannot be read."""
    match _read(file):
        case {"pid": int(pid), "mark": str() | None as mark, "host": host, "marker": str(marker)}:
            return Call(pid, mark, Marks(marker)) if host == host_name() else None
    return None


def _write(path: Path, value: dict[str, JSON]) -> None:
    replace_file(path, json.dumps(value) + "\n")


def _read(path: Path) -> dict[str, JSON] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended: its exit code (negative: a signal), and the masked end of what it printed."""

    exit_code: int
    tail: str


def name_of(command: str) -> str:
    """A command as messages quote it: on one line, and not all of a long one."""
    line = " ".join(command.split())
    return f"`{line if len(line) <= _MOST_NAME else line[: _MOST_NAME - 1] + '…'}`"


def call_command(command: str, folder: CallFolder, conditions: Conditions) -> CommandEnd:
    """Run a shell command to its end. Raises what `run_process` raises."""
    folder.prepare()
    files = CallFiles(Path(os.devnull), output_of(folder), folder.path / "stderr.txt")
    code = _run(f"the command {name_of(command)}", (*_SHELL, command), folder, files, conditions)
    return CommandEnd(code, _tail(folder, conditions.environ))


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
