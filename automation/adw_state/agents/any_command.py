"""Any command as an agent: its output is plain text, unless it is in the format of an agent that is known.

The output as a whole decides, never what a text quotes: its first line that is not blank must be an event
that only that format has, and hold nothing else. A message of Claude Code's that names no session is not
enough: every other line must begin like JSON too, or all of the output be JSON.
"""

from __future__ import annotations

from collections.abc import Iterable

from adw_state.agents.agent import Kind
from adw_state.agents.claude import ClaudeReading
from adw_state.agents.kinds import KINDS
from adw_state.agents.protocol import JSON_BEGINS, first_message
from adw_state.agents.reading import PlainReading, Reading, parse_object
from adw_state.agents.result import AgentResult


class AnyReading(Reading):
    """An output that nothing is known of before its first line."""

    says_when_done = False

    def __init__(self) -> None:
        super().__init__()
        self._plain = PlainReading()
        self._format: Reading | None = None
        self._is_first = True
        self._is_certain = False
        self._is_json = True

    def line(self, text: str) -> None:
        """See `Reading`."""
        stripped = text.strip().removeprefix("\ufeff").strip()
        if self._is_first and stripped:
            self._is_first = False
            self._recognise(stripped)
        elif stripped and not stripped.startswith((*JSON_BEGINS, "]")):
            self._is_json = False
        if not self._is_certain:
            self._plain.line(text)
        if self._format is not None:
            self._format.line(text)
            self._follow(self._format)

    def long_line(self, beginning: str) -> None:
        """See `Reading`."""
        self._is_first = False
        if not self._is_certain:
            self._plain.long_line(beginning)
        if self._format is not None:
            self._format.long_line(beginning)
            self._follow(self._format)

    def result(self, secrets: Iterable[str] = ()) -> AgentResult:
        """See `Reading`."""
        if self._format is None or not (self._is_certain or self._is_all_json()):
            return self._plain.result()
        return self._format.result(secrets)

    def _recognise(self, first: str) -> None:
        if not first.startswith(JSON_BEGINS):
            return
        message = first_message(first)
        event = message or parse_object(first) or {}
        found = next((kind.reading for kind in KINDS.values() if kind.reading.begins(event)), None)
        self._format, self._is_certain = (found or ClaudeReading)(), found is not None
        self.says_when_done = self._is_certain
        self._is_json = message is not None

    def _is_all_json(self) -> bool:
        return self._is_json or first_message(self._plain.text.removeprefix("\ufeff").strip()) is not None

    def _follow(self, known: Reading) -> None:
        if self._is_certain:
            self.session_id, self.model = known.session_id, known.model
            self.kind, self.events = known.kind, known.events


def any_command(name: str) -> Kind:
    """The kind of a command that is not known by its name."""
    return Kind(name=name, reading=AnyReading)
