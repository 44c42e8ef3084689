"""What is said about a converted execution, in its extra_data, and old values as texts and JSON.

Under one key of extra_data stand the columns that we do not have, and a note wherever a value was not
simply taken over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from adw_state.recovery.earlier.times import ReadTime

KEY = "earlier_implementation"


@dataclass(slots=True)
class Notes:
    """What is to be said about one execution; `checkpoints` holds columns of its checkpoints, by seq."""

    sentences: list[str] = field(default_factory=list)
    columns: dict[str, object] = field(default_factory=dict)
    checkpoints: dict[str, object] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentences.append(sentence)

    def say_how_read(self, name: str, raw: object, read: ReadTime | None) -> None:
        """Say that a time could not be read, or was taken to be local."""
        if read is None and raw is not None:
            self.say(f"{name} {raw!r} is no time")
        elif read is not None and read.offset is not None:
            self.say(f"{name} {raw!r} has no zone; read as this machine's local time, {read.offset}")

    def extra_data(self, raw: object) -> str | None:
        """The old extra_data with everything that is to be said, as JSON; None where there is neither."""
        text, kept = storable(raw), None
        ours: dict[str, object] = {}
        try:
            kept = parse(text) if text else None
        except ValueError:
            ours["extra_data"] = text
        parts = {"columns": self.columns, "checkpoints": self.checkpoints, "notes": self.sentences}
        ours |= {name: part for name, part in parts.items() if part}
        if not ours:
            return text or None
        if isinstance(kept, dict) and KEY not in kept:
            return dump({**kept, KEY: ours})
        return dump({KEY: ours if kept is None else {**ours, "extra_data": kept}})


def others(old: Mapping[str, object], used: set[str]) -> dict[str, object]:
    """The columns that are not used and hold something, as JSON values."""
    return {name: _plain(value) for name, value in old.items() if name not in used and value is not None}


def storable(value: object) -> str | None:
    """A value as a text that any database takes."""
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.replace("\0", "")


def parse(text: str) -> object:
    """A JSON text's value; `ValueError` where it is none, or one that not every reader takes."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def dump(value: object) -> str:
    """A value as JSON text."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)  # half a surrogate pair survives only as an escape
    return text


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return value if isinstance(value, str | int) or _is_finite(value) else str(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
