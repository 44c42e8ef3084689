"""Error messages that mean the same become one: ids, paths, addresses, times and numbers are folded."""

from __future__ import annotations

import re
from collections.abc import Iterable

NO_MESSAGE = "no message recorded"
_LONGEST = 160
_MOST_FOLDED = 400

# What may contain the others comes first.
_PLACES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"<>()]+", "<url>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b", "<time>"),
        (r"\b[A-Za-z]:\\[^\s'\"<>|:]+", "<path>"),
        (r"(?<!\w)(?:~|\.{1,2})?/[^\s'\"<>|:,;()]+", "<path>"),
        (r"(?<![\w./])[\w.-]+(?:/[\w.-]+){2,}", "<path>"),
        (r"(?<![\w./])[\w-]+/[\w-]*\.\w+", "<path>"),
    )
)
_NAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b0x[0-9a-fA-F]+\b", "<id>"),
        (r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b", "<id>"),
        (r"(?<![\w<])(?:[A-Za-z]+[-_])+(?=[A-Za-z]*\d)[A-Za-z0-9]+(?:\.\d+)*\b", "<id>"),
        (r"(?<!\w)-?\d+(?:[.,]\d+)*|\d+", "<n>"),
        (r"\s+", " "),
    )
)


def fold(message: str | None, known_ids: Iterable[str] = ()) -> str:
    """The pattern of a message: its first line that says something, folded and at most 160 characters.

    `known_ids` (of the execution and its issue) are folded wherever they stand, whatever they look like.
    """
    line = first_line(message)
    if line is None:
        return NO_MESSAGE
    line = _replace(line[:_MOST_FOLDED], _PLACES)
    for known in sorted(filter(None, known_ids), key=len, reverse=True):
        if known in line:  # to look is cheap, to compile a pattern for each id is not
            line = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "<id>", line)
    line = _replace(line, _NAMES)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def first_line(message: str | None) -> str | None:
    """The first line of a message that is not blank, stripped; None if there is none."""
    return next((line.strip() for line in (message or "").splitlines() if line.strip()), None)


def _replace(line: str, folds: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, replacement in folds:
        line = pattern.sub(replacement, line)
    return line
