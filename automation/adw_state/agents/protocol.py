"""Claude Code's headless output: whether an output is in it, and what its messages say.

One JSON object, a JSON array of messages, or one message per line, pretty-printed or not.

An agent that is known to answer so may print other text around its messages, even on the same line. Of
any other agent the output as a whole decides, never what it quotes: it is the protocol if its first line
that is not blank is a message and holds nothing else, or if all of it is JSON that begins with a message.
Where that message names no session, as real ones do, every other line must begin like JSON too.

A message is what a line, or the output, is made of. So a message that another one quotes is none, also
where the other one was cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from adw_state.store.json_values import JSON

# A whole file is read only up to this size; longer ones are understood line by line.
_MOST_WHOLE_BYTES = 8 * 1024 * 1024
_MOST_LINE_BYTES = 4 * 1024 * 1024
# How many places of a text are tried for the beginning of a message.
_MOST_STARTS = 200
# Python refuses to read numbers of thousands of digits; from here on they are read as floats.
_MOST_DIGITS = 30
_JSON_BEGINS = ("{", "[")
_START = re.compile(r'\{\s*"|\[\s*\{')
_START_OF_LINE = re.compile(r'^(?:\{\s*"|\[\s*\{)', re.MULTILINE)
_BLANKS = re.compile(r"\s*")
_SAYS_RESULT = re.compile(r'"type"\s*:\s*"result"')
# What each type of message has, as far as another program's JSON would not have it by chance.
_MARKS: dict[str, tuple[tuple[str, type], ...]] = {
    "system": (("subtype", str), ("session_id", str), ("model", str)),
    "assistant": (("message", dict),),
    "user": (("message", dict),),
    "stream_event": (("event", dict),),
    "result": (("is_error", bool), ("subtype", str)),
}


class Messages:
    """What the messages of an output have said: the last result, the model, whether there were any."""

    def __init__(self) -> None:
        self.result: dict[str, JSON] | None = None
        self.model: str | None = None
        self.seen = False

    def note(self, values: list[JSON]) -> None:
        """Take note of messages, and of lists of them."""
        for value in values:
            for message in value if isinstance(value, list) else [value]:
                if isinstance(message, dict) and message.get("type") in _MARKS:
                    self._note_message(message)

    def note_broken(self, text: str) -> None:
        """Take note of what is no JSON; a result that cannot be read is not replaced by an earlier one."""
        if text.startswith(_JSON_BEGINS) and _SAYS_RESULT.search(text):
            self.seen = True
            self.result = None

    def _note_message(self, message: dict[str, JSON]) -> None:
        self.seen = True
        if message["type"] == "result":
            self.result = message
        elif message["type"] == "system" and isinstance(message.get("model"), str):
            self.model = str(message["model"])


def read_messages(output: Path) -> Messages:
    """The messages of an output that is in the protocol."""
    messages = Messages()
    with output.open("rb") as file:
        for line in _lines(file):
            if '"type"' in line:
                _note_line(messages, line)
    if not messages.seen:
        _note_text(messages, _whole(output))
    return messages


def is_protocol(output: Path) -> bool:
    """Whether an output is in the protocol, although its agent is not known to answer so."""
    with output.open("rb") as file:
        lines = (line for line in _lines(file) if line)
        first = next(lines, "")
        if not first.startswith(_JSON_BEGINS):
            return False
        values, end = _decode(first, 0)
        if end == len(first):
            message = _first_message(values)
            return message is not None and (
                isinstance(message.get("session_id"), str)
                or all(line.startswith((*_JSON_BEGINS, "]")) for line in lines)
            )
    text = _whole(output)
    values, end = _decode(text, 0)
    return end == len(text) and _first_message(values) is not None


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines without blanks and commas around them; of one that is too long, its beginning."""
    whole = True
    for piece in iter(lambda: file.readline(_MOST_LINE_BYTES), b""):
        if whole:
            yield _stripped(piece).removesuffix(",")
        whole = piece.endswith(b"\n")


def _whole(output: Path) -> str:
    """The text of a file, or nothing where that is too much."""
    return "" if output.stat().st_size > _MOST_WHOLE_BYTES else _stripped(output.read_bytes())


def _stripped(piece: bytes) -> str:
    return piece.decode("utf-8", "replace").strip().removeprefix("\ufeff").lstrip()


def _note_line(messages: Messages, line: str) -> None:
    if line.startswith(_JSON_BEGINS):
        values, end = _decode(line, 0)
        messages.note(values)
        messages.note_broken(line[end:])
        return
    # Other text comes first: what follows it counts if it goes on to the end of the line.
    for start in list(_START.finditer(line))[:_MOST_STARTS]:
        values, end = _decode(line, start.start())
        if end == len(line):
            messages.note(values)
            return


def _note_text(messages: Messages, text: str) -> None:
    """Take note of messages that go over more than one line."""
    start = _START.search(text)
    for _ in range(_MOST_STARTS):
        if start is None:
            return
        values, end = _decode(text, start.start())
        messages.note(values)
        messages.note_broken(text[end : end + _MOST_LINE_BYTES])
        start = _START_OF_LINE.search(text, max(end, start.start() + 1))


def _decode(text: str, place: int) -> tuple[list[JSON], int]:
    """The JSON values that stand one behind the other from `place` on, and where they end."""
    values = []
    while place < len(text):
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        values.append(value)
        blanks = _BLANKS.match(text, place)
        place = blanks.end() if blanks else place
    return values, place


def _first_message(values: list[JSON]) -> dict[str, JSON] | None:
    """The first of these values, or of the list that is the first, if it is a message."""
    first = values[0] if values else None
    if isinstance(first, list):
        first = first[0] if first else None
    if not isinstance(first, dict):
        return None
    marks = _MARKS.get(str(first.get("type")), ())
    return first if any(isinstance(first.get(name), kind) for name, kind in marks) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is there twice")
    return fields


def _number(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_int=_number)
