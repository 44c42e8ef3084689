"""An agent is a command: which one a name stands for.

    claude              Claude Code without a terminal: `claude -p --output-format json`
    claude --model M    the same with more flags of yours
    scripted            the agent that ships with this package, for demos and tests
    scripted --fail …   the same, told how to behave (see scripted.py)
    anything else       a command line, split as a shell would split it, run without a shell

A program with a slash in its name is looked up from the project where it is a setting, so that every
folder of the project and every copy of it finds its own, and from the current folder where it is given
on the command line. `~/` is the home folder. Only the program is looked up: the agent works in the
worktree, and its arguments reach it as they are.

Claude is never given permission to do everything. By default it may edit files in the worktree and,
where it judges, only read; whatever else it wants to run is denied, which its result reports. A team that
wants more says so in its own words, `agent = "claude --permission-mode …"` or `--allowedTools …` in
adw.toml: as soon as a flag of that kind is given, ours are left out.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from adw_state.agents.process import find_program
from adw_state.errors import InvalidInputError

_CLAUDE_PERMISSION_FLAGS = (
    "--permission-mode", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools",
    "--dangerously-skip-permissions", "--permission-prompt-tool",
)  # fmt: skip
_CLAUDE_EDITS = ("--permission-mode", "acceptEdits")
_CLAUDE_READS = ("--allowedTools", "Read,Grep,Glob,Bash(git diff:*),Bash(git log:*),Bash(git show:*)")


@dataclass(frozen=True, slots=True)
class Agent:
    """A command that does the work of a phase: prompt on standard input, result on standard output.

    `structured` says whether it is known to answer in JSON or in plain text; None where its output tells.
    `reading_command` is used where the agent judges, and changes nothing.
    """

    name: str
    command: tuple[str, ...]
    reading_command: tuple[str, ...]
    structured: bool | None

    def command_for(self, kind: str) -> tuple[str, ...]:
        """The command line for a kind of phase."""
        return self.reading_command if kind == "verdict" else self.command


def seen_from_project(text: str, *, directory: Path, project: Path) -> str:
    """The command line `text`, given in `directory`, as one that means the same from `project`.

    A relative program inside the project stays relative, so that a copy of the project has its own; any
    other becomes absolute.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    if not words or "/" not in words[0] or words[0].startswith(("/", "~/")):
        return text
    program, top = Path(os.path.normpath(directory.resolve() / words[0])), project.resolve()
    place = f"./{program.relative_to(top)}" if program.is_relative_to(top) else str(program)
    return shlex.join([place, *words[1:]])


def resolve_agent(text: str, *, directory: Path, environ: Mapping[str, str]) -> Agent:
    """The agent that `text` names; relative programs are looked up from `directory`.

    Raises `InvalidInputError` for a text that is no command line, `AgentMissingError` for a program
    that is not there.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInputError(
            f"the agent {text!r} is not a command line: {str(error).lower()}", hint="check its quotes"
        ) from error
    if not words or not words[0]:
        raise InvalidInputError(
            "the agent is an empty command",
            hint="use --agent claude, --agent scripted or a command line, or leave the option out",
        )
    if words[0] == "scripted":
        script = str(Path(__file__).with_name("scripted.py"))
        # Isolated, so that nothing in a worktree can stand in for the standard library.
        command = (sys.executable, "-I", "-S", script, *words[1:])
        return Agent("scripted", command, command, structured=True)
    program = find_program(words[0], directory, environ)
    if Path(words[0]).name == "claude":
        return _claude(program, words[1:])
    command = (program, *words[1:])
    return Agent(Path(words[0]).name, command, command, structured=None)


def _claude(program: str, given: list[str]) -> Agent:
    names = {word.partition("=")[0] for word in given if word.startswith("-")}
    plain = "--output-format=text" in given or ("--output-format", "text") in pairwise(given)
    ours = [] if names & {"-p", "--print"} else ["-p"]
    if "--output-format" not in names:
        ours += ["--output-format", "json"]
    free = not names & set(_CLAUDE_PERMISSION_FLAGS)
    command, reading = (
        (program, *ours, *(permission if free else ()), *given)
        for permission in (_CLAUDE_EDITS, _CLAUDE_READS)
    )
    return Agent("claude", command, reading, structured=not plain)
