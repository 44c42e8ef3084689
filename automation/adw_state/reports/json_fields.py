"""Fields of JSON objects that other people's programs wrote: taken where they make sense, else None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo


def text_in(state: Mapping[str, object], *names: str) -> str | None:
    """The first of these fields that holds a text that is not blank, or a whole number."""
    for name in names:
        value = state.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def free_text_in(state: Mapping[str, object], *names: str) -> str | None:
    """The first of these fields that holds a text, as it stands there; else an empty one."""
    texts = [value for name in names if isinstance(value := state.get(name), str)]
    return next(filter(None, texts), texts[0] if texts else None)


def issue_type_in(state: Mapping[str, object]) -> str | None:
    """The issue's type; some teams write it as the slash command that it chose."""
    name = text_in(state, "issue_type", "issue_class")
    return name.removeprefix("/") or None if name else None


def moment_in(state: Mapping[str, object], zone: tzinfo | None, *names: str) -> datetime | None:
    """The first of these fields that holds a time, in UTC; one without a zone is of `zone`, None is here."""
    for name in names:
        text = state.get(name)
        if not isinstance(text, str):
            continue
        try:
            moment = datetime.fromisoformat(text)
            local = moment.replace(tzinfo=zone) if moment.tzinfo is None and zone else moment
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
