"""What an agent is: a command, and the way to understand what it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from adw_state.agents.result import AgentResult

Reader: TypeAlias = Callable[[Path, Iterable[str]], AgentResult]
"""Understands an agent's output file; the answer comes back whole and as it was said.

Raises `AgentOutputError`, with these secrets masked, when there is no answer in it.
"""


@dataclass(frozen=True, slots=True)
class Agent:
    """A command that does the work of a phase: prompt on standard input, result on standard output.

    `reading_command` is used where the agent judges, and changes nothing. `read` understands its output;
    `says_when_done` where no answer is found in the output of an agent that was cut off.
    """

    name: str
    command: tuple[str, ...]
    reading_command: tuple[str, ...]
    read: Reader
    says_when_done: bool

    def command_for(self, kind: str) -> tuple[str, ...]:
        """The command line for a kind of phase."""
        return self.reading_command if kind == "verdict" else self.command
