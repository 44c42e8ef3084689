"""The reviewer's verdict, read from its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from adws.adw_modules.errors import AgentOutputError

_WORDS = {"approve": True, "approved": True, "reject": False, "rejected": False}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the change is approved, and why."""

    approved: bool
    reasons: tuple[str, ...]


def read_verdict(answer: str) -> Verdict:
    """The last verdict in an answer: a JSON object {"verdict": "approve" or "reject", "reasons": [texts]}.

    Raises `AgentOutputError` when there is none that says one or the other.
    """
    last = None
    for value in _objects(answer):
        last = value if "verdict" in value else last
    word = "none" if last is None else str(last["verdict"]).strip().lower()
    if last is None or word not in _WORDS:
        raise AgentOutputError(
            f"the review cannot be understood: its verdict is {word[:60]}",
            hint='it must end with {"verdict": "approve" or "reject", "reasons": […]}; resume to try again',
        )
    reasons = last.get("reasons")
    texts = reasons if isinstance(reasons, list) else [reasons] if reasons else []
    return Verdict(_WORDS[word], tuple(str(text) for text in texts))


def _objects(text: str) -> Iterator[dict[str, object]]:
    decoder = json.JSONDecoder()
    place = text.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = text.find("{", end)
