"""A verdict, read from the answer of an agent that judges.

A verdict is a JSON object {"verdict": "approve" or "reject", "reasons": [texts]}. It counts only where an
answer leaves no doubt about it:

* everything that looks like a verdict can be read as one: a broken one is not replaced by an earlier one;
* all verdicts say the same, those in prose ("Verdict: reject") too;
* none is part of another JSON value, or has the same field twice;
* the last one is stated, not mentioned: it stands on lines of its own, or at the end of the answer.

Raw line breaks and tabs in its texts are read, because they leave no doubt. What a text of a verdict quotes
is no verdict, nor is the description of the format before one ("approve" or "reject").

A rejection that ends an answer counts whatever is quoted before it, such as code that holds an approval: to
be wrong about it costs another attempt, and lets no bad change pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adw_state.errors import AgentOutputError

HOW_TO_SAY_IT = (
    'it must end with one {"verdict": "approve" or "reject", "reasons": […]} and mention no other; '
    "resume to ask for it again"
)
_WORDS = {"approve": True, "approved": True, "reject": False, "rejected": False}
# A verdict's object begins at most so far before its field, in characters and in beginnings of objects.
_MOST_BEFORE = 200_000
_MOST_BEGINNINGS = 1000
_MOST_MENTIONS = 1000
_MOST_WORD = 40

# Also typographic and escaped ones.
_QUOTE = (
    r"(?:\\{0,8}[\"'\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\uff02\uff07]"
    r"|\\{1,8}u0022|&quot;|&[#]3[49];)"
)
_MENTION = re.compile(
    rf"""
      (?P<verdict>
          \{{\s*(?:{_QUOTE}|`)\s*\w*verdict             # the first field of an object, whatever follows
        | \{{\s*\w*verdict\w*\s*[:=]                    # … without quotes
        | {_QUOTE}[^\n:{{}}"']{{0,40}}?verdict[^\n:{{}}"']{{0,40}}?{_QUOTE}\s*[:=]
        | {_QUOTE}\s*verdict\s*[:=]                     # a quote is missing
        | \bverdict\s*{_QUOTE}\s*[:=]
      )
    | (?P<reasons> {_QUOTE}\s*reasons\s*{_QUOTE}\s*[:=] | \{{\s*reasons\s*[:=] )
    | (?P<cut> \{{\s*(?:{_QUOTE}\w{{0,10}})?[\s`]*\Z )  # an object that has hardly begun
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IN_PROSE = re.compile(
    r"\bverdict\b(?:[\s*_`\"'\u201c\u201d<>:=|#\u2013\u2014\u2192-]{1,12}|\s+is\W{1,4})(approved?|reject(?:ed)?)\b(?!\W{1,4}or\b)",
    re.IGNORECASE,
)
_DESCRIPTION = re.compile(
    rf"""
      \{{?\s*{_QUOTE}?verdict{_QUOTE}?\s*:\s*
      (?: {_QUOTE}?<?approved?>?{_QUOTE}?\s*(?:\||/|\bor\b)\s*{_QUOTE}?<?reject(?:ed)?\b>?{_QUOTE}?
        | \u2026 | \.\.\. )
      (?: \s*,\s*{_QUOTE}?reasons{_QUOTE}?\s*:\s*\[[^\]{{}}\n]{{0,200}}\] )?
      \s*\}}?
    | `"(?:verdict|reasons)"\s*:\s*`
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OBJECT = re.compile(r'\{\s*"')
# What stands around a part of another value: of a list, of an object, of a call, of an assignment.
_PART_BEFORE = re.compile(r"(?:[\[{(=]|[\"'\u201d\u2019]\s*:|[\]}\"'\u201d\u2019]\s*,)\s*\Z")
_PART_AFTER = re.compile(r"\s*(?:[\]})]|,\s*[\"'{\[])")
_MARKS = "\"'`\u201c\u201d\u2018\u2019"
_MARKUP = " \t\r`*_~"
_QUOTED_LINE = (">", "+", "|")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the change is approved, and why."""

    approved: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A verdict's object, and where it stands in the answer; without fields where it cannot be read."""

    start: int
    end: int
    fields: dict[str, Any]


def read_verdict(answer: str) -> Verdict:
    """The verdict that an answer gives; `AgentOutputError` where it gives none, or leaves a doubt."""
    seen = list(_looks_like_verdicts(answer))
    in_prose = list(_verdicts_in_prose(answer, seen))
    if seen and _is_final_rejection(answer, seen[-1]):
        seen = [one for one in seen[:-1] if one.fields and not _is_quoted(answer, one)] + seen[-1:]
    if not all(one.fields for one in seen):
        raise _unclear("what looks like a verdict in it cannot be read")
    if not seen:
        raise _unclear("its verdict is none")
    last = seen[-1]
    said = [_approves(one.fields) for one in seen]
    if len({*said, *in_prose}) > 1:
        raise _unclear("its verdicts contradict each other")
    if not _is_stated(answer, last):
        raise _unclear("its verdict is mentioned in a sentence, or quoted, but not stated")
    reasons = [value for name, value in last.fields.items() if name.strip().lower() == "reasons"]
    return Verdict(said[-1], tuple(_texts(reasons)))


def _verdicts_in_prose(answer: str, seen: list[_Found]) -> Iterator[bool]:
    """What an answer says outside of what looks like JSON."""
    spans = [(one.start, one.end) for one in seen]
    spans += [match.span() for match in _DESCRIPTION.finditer(answer)]
    for match in _IN_PROSE.finditer(answer):
        if not any(start <= match.start() < end for start, end in spans):
            yield _WORDS[match[1].lower()]


def _is_final_rejection(answer: str, last: _Found) -> bool:
    words = [value for value in _verdict_fields(last.fields).values() if isinstance(value, str)]
    rejects = [_WORDS.get(word.strip().lower()) for word in words] == [False]
    return rejects and _is_stated(answer, last) and not answer[last.end :].strip(_MARKUP + "\n.")


def _is_quoted(answer: str, found: _Found) -> bool:
    """Whether a verdict stands between quotation marks or as code in a sentence, or in a quoted line."""
    before = answer[: found.start].rpartition("\n")[2]
    after = answer[found.end : found.end + 1]
    if before.strip(_MARKUP).startswith(_QUOTED_LINE):
        return True
    return not _is_stated(answer, found) and before[-1:] in _MARKS and after in _MARKS and before[-1:] != ""


def _looks_like_verdicts(answer: str) -> Iterator[_Found]:
    """What looks like a verdict in an answer, in order; without fields what cannot be read as one."""
    end, description = 0, None
    for count, mention in enumerate(_MENTION.finditer(answer)):
        if mention.start() < end:
            continue
        # A mention may begin behind the bracket or the mark that the description begins with.
        place = max(end, mention.start() - 1)
        description = _DESCRIPTION.match(answer, mention.start()) or _DESCRIPTION.match(answer, place)
        if description is not None:
            end = description.end()
            continue
        objects = _objects_around(answer, mention, end) if count < _MOST_MENTIONS else iter(())
        if mention["reasons"] and next(objects, None):
            continue
        found = next((one for one in objects if _verdict_fields(one.fields)), None)
        if found is None or not _is_whole(answer, found):
            found = _Found(mention.start(), mention.end(), {})
        yield found
        end = found.end
    if description is not None:
        # Nothing follows that would be the verdict.
        yield _Found(description.start(), description.end(), {})


def _objects_around(answer: str, mention: re.Match[str], least: int) -> Iterator[_Found]:
    """The JSON objects that a place lies in, the innermost first."""
    first = max(least, mention.start() - _MOST_BEFORE)
    starts = [match.start() for match in _OBJECT.finditer(answer, first, mention.end())]
    for start in reversed(starts[-_MOST_BEGINNINGS:]):
        try:
            fields, end = _DECODER.raw_decode(answer, start)
        except (ValueError, RecursionError):
            continue
        if start <= mention.start() and end >= mention.end():
            yield _Found(start, end, fields)


def _is_whole(answer: str, found: _Found) -> bool:
    """Whether an object is no part of another value, and has not swallowed another verdict."""
    before, after = answer[max(0, found.start - 200) : found.start], answer[found.end : found.end + 200]
    if _PART_BEFORE.search(before) or _PART_AFTER.match(after):
        return False
    text = answer[found.start : found.end]
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # A text with a raw line break may be two objects with a quote missing between them.
        return sum(mention["verdict"] is not None for mention in _MENTION.finditer(text)) == 1
    return True


def _is_stated(answer: str, found: _Found) -> bool:
    """Whether a verdict stands on lines of its own, or at the end of the answer; not in a quoted line."""
    before = answer[: found.start].rpartition("\n")[2].strip(_MARKUP)
    after = answer[found.end :].partition("\n")[0].strip(_MARKUP)
    if before.startswith(_QUOTED_LINE):
        return False
    return not (before or after) or not answer[found.end :].strip(_MARKUP + "\n.")


def _approves(fields: dict[str, Any]) -> bool:
    name, value = next(iter(_verdict_fields(fields).items()))
    word = value.strip().lower() if isinstance(value, str) else ""
    if re.sub(r"\W", "", name).lower() != "verdict" or word not in _WORDS:
        # Shortened, a credential would lose its shape and would not be masked.
        shown = repr(word) if 0 < len(word) <= _MOST_WORD else "neither approve nor reject"
        raise _unclear(f"its {name[:_MOST_WORD]} is {shown}")
    return _WORDS[word]


def _verdict_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if "verdict" in name.lower()}


def _texts(reasons: list[Any]) -> Iterator[str]:
    given = reasons[0] if reasons else None
    for reason in given if isinstance(given, list) else [given] if given else []:
        yield reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False)


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs) or len(_verdict_fields(fields)) > 1:
        raise ValueError("a field is there twice")
    return fields


def _unclear(why: str) -> AgentOutputError:
    return AgentOutputError(f"the review cannot be understood: {why}", hint=HOW_TO_SAY_IT)


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_fields)
