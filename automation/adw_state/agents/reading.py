"""Reading what an agent prints, one line at a time: the same while it works and after a crash.

One class per format, each fed with decoded lines. It keeps what the lines said, never the lines: a stream
of any length is read in little memory. A line that is too long is not read, only counted and shown by its
beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from adw_state.agents.result import AgentResult, short_name
from adw_state.redaction import recordable
from adw_state.store.json_values import JSON

MOST_LINE_BYTES = 4 * 1024 * 1024
# So many characters of an answer are kept while it is read, from its end.
MOST_ANSWER = 4 * 1024 * 1024
_MOST_BEGINNING = 64 * 1024
_CHUNK_BYTES = 256 * 1024
_MOST_DENIALS = 100
# Python refuses to read numbers of thousands of digits; from here on they are read as floats.
_MOST_DIGITS = 30

CUT_OFF = "cut_off"
AGENT_ERROR = "agent_error"
NO_RESULT = "the agent's output ends without a result, so it was cut off before it was done"
# What agents and providers say, in their words and by the number that HTTP has for it.
_CLASSES = (
    (
        "rate_limited",
        re.compile(
            r"\b(?:429|529)\b|rate.?limit|usage limit|limit reached|too many requests|quota|overloaded", re.I
        ),
    ),
    (
        "auth",
        re.compile(
            r"\b(?:401|403)\b|unauthori[sz]ed|authenticat|auth method|api.?key|/login|not logged in", re.I
        ),
    ),
)


def class_of(message: str) -> str:
    """The error class of what an agent reports as its failure."""
    return next((name for name, pattern in _CLASSES if pattern.search(message)), AGENT_ERROR)


class Reading:
    """What an agent has said so far.

    `kind` is that of the last event, `events` how many there were, `skipped` how many lines were too long.
    `says_when_done` where the format has an event that says so: without it the agent was cut off.
    """

    says_when_done: bool = True
    cumulative: ClassVar[bool] = False

    def __init__(self) -> None:
        self.session_id: str | None = None
        self.model: str | None = None
        self.kind: str | None = None
        self.events = 0
        self.skipped = 0
        self._beginning = ""

    @classmethod
    def begins(cls, first: dict[str, JSON]) -> bool:
        """Whether an output whose first line is this object is in the format, whoever printed it."""
        del first
        return False

    def line(self, text: str) -> None:
        """Take note of a line, which has no line end."""
        raise NotImplementedError

    def long_line(self, beginning: str) -> None:
        """Take note of a line that is too long to be read."""
        del beginning

    def result(self, secrets: Iterable[str] = ()) -> AgentResult:
        """The answer of an agent that has ended, whole and as it was said; these secrets masked in errors."""
        raise NotImplementedError

    def _note_event(self, kind: str, session: JSON = None, model: JSON = None) -> None:
        self.kind, self.events = short_name(kind) or self.kind, self.events + 1
        self.session_id = short_name(session) or self.session_id
        self.model = short_name(model) or self.model
        self._beginning = ""

    def _note_beginning(self, text: str) -> None:
        if self.events == 0 and len(self._beginning) < _MOST_BEGINNING:
            self._beginning += f"{text[:_MOST_BEGINNING]}\n"

    def _no_result(self, secrets: Iterable[str]) -> str:
        """Why there is no answer."""
        if self.events:
            return NO_RESULT
        start = recordable(self._beginning.strip(), secrets)[:60]
        return f"the agent's output holds no result: it printed {repr(start) if start else 'nothing'}"


class EventReading(Reading):
    """A format that is one JSON object per line, with a field `type`; other lines are passed over."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._done = False
        self._failure: str | None = None
        self._denied: dict[str, None] = {}

    def line(self, text: str) -> None:
        """See `Reading`."""
        text = text.strip().removeprefix("\ufeff")
        self._note_beginning(text)
        event = parse_object(text)
        if event is not None and isinstance(event.get("type"), str):
            self._event(str(event["type"]), event)

    def result(self, secrets: Iterable[str] = ()) -> AgentResult:
        """See `Reading`."""
        error, error_class = self._failure, None
        if error is not None:
            error_class = class_of(error)
        elif not self._done and self._denied:
            error = f"the agent was not allowed to use {', '.join(self._denied)}, and ended without an answer"
            error_class = "denied"
        elif not self._done:
            error, error_class = self._no_result(secrets), CUT_OFF
        return AgentResult(
            text=self._text.strip(),
            error=error,
            session_id=self.session_id,
            model=self.model,
            error_class=error_class,
            denied=tuple(self._denied),
            cumulative=self.cumulative,
            **self._used(),  # type: ignore[arg-type]
        )

    def _event(self, kind: str, event: dict[str, JSON]) -> None:
        raise NotImplementedError

    def _used(self) -> dict[str, object]:
        """Tokens, cost and the object they are from, by the names of a result's fields."""
        raise NotImplementedError

    def _say(self, text: JSON) -> None:
        """Add to the answer."""
        if isinstance(text, str):
            self._text = (self._text + text)[-MOST_ANSWER:]

    def _deny(self, tool: JSON) -> None:
        if len(self._denied) < _MOST_DENIALS:
            self._denied[short_name(tool) or "a tool"] = None

    def _end(self, failure: str | None = None) -> None:
        self._done, self._failure = True, failure

    def _begin_anew(self) -> None:
        """The agent goes on: what looked like its end was none."""
        self._done, self._failure = False, None


def parse_object(text: str) -> dict[str, JSON] | None:
    """The JSON object that a line is."""
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text, parse_int=number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def number(digits: str) -> float:
    """A whole number of JSON, however many digits it has."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def fields_of(value: JSON) -> dict[str, JSON]:
    """An object of an event; an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def less(count: int | None, *parts: int | None) -> int | None:
    """A count without the parts of it that are counted apart."""
    return None if count is None else max(0, count - sum(part or 0 for part in parts))


class Lines:
    """Cuts bytes into lines for a reading; those that are no UTF-8 are replaced."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._rest = bytearray()
        self._is_too_long = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end])
            self._end_line()
            start = end + 1
        self._take(data[start:])

    def end(self) -> None:
        """There is no more: what is left is a line, too."""
        if self._rest or self._is_too_long:
            self._end_line()

    def _take(self, part: bytes) -> None:
        if self._is_too_long:
            return
        self._rest += part
        if len(self._rest) > MOST_LINE_BYTES:
            self._is_too_long = True
            del self._rest[_MOST_BEGINNING:]

    def _end_line(self) -> None:
        text = self._rest.decode("utf-8", "replace")
        self._rest.clear()
        if self._is_too_long:
            self._reading.skipped += 1
            self._reading.long_line(text)
        else:
            self._reading.line(text)
        self._is_too_long = False


def read_output(output: Path, reading: Reading) -> Reading:
    """Let `reading` read an output file from its beginning to its end."""
    lines = Lines(reading)
    with output.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            lines.feed(data)
    lines.end()
    return reading


class PlainReading(Reading):
    """Plain text: the answer is all of it, whole and as it was said. Of what is too long, the end counts."""

    says_when_done = False

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def line(self, text: str) -> None:
        """See `Reading`."""
        self._kept += text.encode("utf-8", "replace") + b"\n"
        if len(self._kept) > 2 * MOST_ANSWER:
            del self._kept[:-MOST_ANSWER]

    def long_line(self, beginning: str) -> None:
        """See `Reading`."""
        self.line(beginning)

    def result(self, secrets: Iterable[str] = ()) -> AgentResult:
        """See `Reading`."""
        del secrets
        return AgentResult(self.text)

    @property
    def text(self) -> str:
        """The text so far."""
        return self._kept.decode("utf-8", "replace").strip()
