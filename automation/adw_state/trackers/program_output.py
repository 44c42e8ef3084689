"""JSON in what a program printed, wherever it stands.

A tracker's program may print a warning before its answer, after it or on the same line, may leave line
breaks in texts as they are, and may be another program of the same name. So nothing is assumed about the
whole output: every place that could begin a JSON value is tried, and the caller says which shape it wants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_DECODER = json.JSONDecoder(strict=False)  # a text may hold line breaks as they are
_BEGIN = re.compile(r"[{\[]")
# Each try that fails may read to the end of the output, and no warning has so many brackets.
_MOST_FAILURES = 200


def json_objects(output: str) -> Iterator[Mapping[str, Any]]:
    """Every JSON object that stands in `output` by itself or in a list, in order; other text is skipped."""
    for value in _values(output):
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                yield item


def _values(output: str) -> Iterator[Any]:
    position = failures = 0
    while failures < _MOST_FAILURES and (begin := _BEGIN.search(output, position)):
        try:
            value, position = _DECODER.raw_decode(output, begin.start())
        except (ValueError, RecursionError):
            failures, position = failures + 1, begin.end()
        else:
            yield value
