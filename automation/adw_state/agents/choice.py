"""An agent is a command: which one a name stands for.

    claude              Claude Code without a terminal, with the words in `claude.py`
    claude --model M    the same with more flags of yours
    codex, opencode, gemini, qwen, pi     likewise
    scripted            the agent that ships with this package, for demos and tests
    scripted --fail …   the same, told how to behave (see scripted.py)
    anything else       a command line, split as a shell would split it, run without a shell

A program with a slash in its name is looked up from the project where it is a setting, so that every
folder of the project and every copy of it finds its own, and from the current folder where it is given
on the command line. `~/` is the home folder. Only the program is looked up: the agent works in the
worktree, and its arguments reach it as they are.

Which kinds of agents are known by name stands in `kinds`.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from adw_state.agents.agent import Agent, Kind
from adw_state.agents.any_command import any_command
from adw_state.agents.claude import ClaudeReading
from adw_state.agents.kinds import KINDS
from adw_state.errors import InvalidInputError
from adw_state.processes.running import find_program

_SCRIPTED = Kind(name="scripted", reading=ClaudeReading)


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
        return _scripted(words[1:])
    program, name = find_program(words[0], directory, environ), Path(words[0]).name
    return KINDS.get(name, any_command(name)).agent(program, words[1:])


def _scripted(given: list[str]) -> Agent:
    script = str(Path(__file__).with_name("scripted.py"))
    # Isolated, so that nothing in a worktree can stand in for the standard library.
    return _SCRIPTED.agent(sys.executable, ("-I", "-S", script, *given))
