"""Values of the earlier implementation, and what is said where one is not simply taken over.

It let SQLite write the start (`YYYY-MM-DD HH:MM:SS`, UTC) and Python the end (`datetime.now()` in ISO
form, local time without a zone). So a text with a `T` and no zone is local time, in the zone of the
machine that upgrades the database; every other text without a zone is UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

KEY = "earlier_implementation"


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A moment in UTC; `offset` is what local time was taken to be off UTC by (`-0800`), where it was."""

    moment: datetime
    offset: str | None = None


def read_time(value: object, zone: tzinfo | None, *, not_before: datetime | None = None) -> ReadTime | None:
    """The moment that a stored value names; None where it names none.

    `zone` is that of local times, by default the machine's. In the hour that summer time's end repeats,
    the first of the two moments is meant unless it lies before `not_before`.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        written = datetime.fromisoformat(text)
        if written.tzinfo is not None:
            return ReadTime(written.astimezone(UTC))
        if "T" not in text:
            return ReadTime(written.replace(tzinfo=UTC))
        read = _local(written, zone)
        if not_before is not None and read.moment < not_before:
            second = _local(written.replace(fold=1), zone)
            return second if second.moment >= not_before else read
    except (ValueError, OverflowError, OSError):
        return None
    return read


def _local(written: datetime, zone: tzinfo | None) -> ReadTime:
    local = written.astimezone() if zone is None else written.replace(tzinfo=zone)
    return ReadTime(local.astimezone(UTC), local.strftime("%z"))


@dataclass(slots=True)
class Notes:
    """What is to be said about one execution under one key of its extra_data.

    `columns` are those that we do not have; `checkpoints` holds such columns of its checkpoints, by seq.
    """

    sentences: list[str] = field(default_factory=list)
    columns: dict[str, object] = field(default_factory=dict)
    checkpoints: dict[str, object] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentences.append(sentence)

    def read(
        self, name: str, old: Mapping[str, object], zone: tzinfo | None, *, not_before: datetime | None = None
    ) -> ReadTime | None:
        """The time in this column; a note says where it cannot be read, or was taken to be local."""
        raw = old.get(name)
        read = read_time(raw, zone, not_before=not_before)
        if read is None and raw is not None:
            self.say(f"{name} {raw!r} is no time")
        elif read is not None and read.offset is not None:
            self.say(f"{name} {raw!r} has no zone; read as this machine's local time, {read.offset}")
        return read

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
