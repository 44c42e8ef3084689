r"""Text from outside, made safe to show: it cannot steer a terminal, forge a line or turn the writing around.

What cannot be seen is written as Python writes it in a string: `\x1b`, `\u202e`, `\ud800`. That holds for
control characters, line and paragraph separators, marks of the writing direction and lone surrogates.
"""

from __future__ import annotations

import json
import re

# Texts, which `re` compiles when something has to be escaped, and keeps.
_LINE_BREAKS = "\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"
_MARKS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSEEN = f"[\x00-\x1f{_MARKS}]"
_UNSEEN_IN_JSON = f"[{_MARKS}]"  # JSON itself escapes what is below the blank


def visible(text: str) -> str:
    """`text` with everything that cannot be seen escaped, line breaks included."""
    return text if text.isprintable() else re.sub(_UNSEEN, _escape, text)


def one_line(text: str) -> str:
    """`text` for a cell of a table: white space is one blank, all else that cannot be seen is escaped."""
    return text if text.isprintable() else visible(" ".join(text.split()))


def visible_lines(text: str) -> list[str]:
    """The lines of `text`, each with everything that cannot be seen escaped; tabs are four blanks."""
    if text.isprintable():
        return [text]
    return [visible(line.replace("\t", "    ")) for line in re.split(_LINE_BREAKS, text)]


def visible_json(value: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """`value` as JSON that any UTF-8 terminal or log can take; with `ascii_only` any other, too."""
    written = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    return re.sub(_UNSEEN_IN_JSON, lambda found: f"\\u{ord(found[0]):04x}", written)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
