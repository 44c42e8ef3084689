"""Claude Code's messages in a text: what is one, and how they are found where other text stands around them.

One JSON object, a JSON array of messages, or one message per line, pretty-printed or not. A message is what
a line, or the output, is made of. So a message that another one quotes is none, also where the other one
was cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from adw_state.agents.reading import number
from adw_state.store.json_values import JSON

JSON_BEGINS = ("{", "[")
# How many places of a text are tried for the beginning of a message.
_MOST_STARTS = 200
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
    "rate_limit_event": (("rate_limit_info", dict),),
}


def messages_in_line(line: str) -> Iterator[dict[str, JSON] | None]:
    """The messages of a line, None for a result that cannot be read.

    Where other text comes first, what follows it counts if it goes on to the end of the line.
    """
    if '"type"' not in line:
        return
    if line.startswith(JSON_BEGINS):
        values, end = decode(line, 0)
        yield from _messages(values)
        yield from _broken_result(line[end:])
        return
    for start in list(_START.finditer(line))[:_MOST_STARTS]:
        values, end = decode(line, start.start())
        if end == len(line):
            yield from _messages(values)
            return


def messages_in_text(text: str) -> Iterator[dict[str, JSON] | None]:
    """The messages of a text that go over more than one line, None for a result that cannot be read."""
    start = _START.search(text)
    for _ in range(_MOST_STARTS):
        if start is None:
            return
        values, end = decode(text, start.start())
        yield from _messages(values)
        yield from _broken_result(text[end:])
        start = _START_OF_LINE.search(text, max(end, start.start() + 1))


def first_message(text: str) -> dict[str, JSON] | None:
    """The message that a text which is all JSON begins with: its first value, or the first of a list."""
    values, end = decode(text, 0)
    first = values[0] if values and end == len(text) else None
    if isinstance(first, list):
        first = first[0] if first else None
    return first if isinstance(first, dict) and is_message(first) else None


def is_message(value: dict[str, JSON]) -> bool:
    """Whether an object is a message, by what another program's JSON would not have by chance."""
    marks = _MARKS.get(str(value.get("type")), ())
    return any(isinstance(value.get(name), kind) for name, kind in marks)


def decode(text: str, place: int) -> tuple[list[JSON], int]:
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


def _messages(values: list[JSON]) -> Iterator[dict[str, JSON]]:
    for value in values:
        for message in value if isinstance(value, list) else [value]:
            if isinstance(message, dict) and str(message.get("type")) in _MARKS:
                yield message


def _broken_result(text: str) -> Iterator[None]:
    if text.startswith(JSON_BEGINS) and _SAYS_RESULT.search(text):
        yield None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is there twice")
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_int=number)
