"""Checks of single values before they reach a statement; neither engine checks types itself."""

from __future__ import annotations

from collections.abc import Sequence

from adw_state.errors import InvalidInputError
from adw_state.store.records import ATTEMPT_STATUSES, EXECUTION_STATUSES, PHASES, UNFINISHED

_MOST_ID_CHARACTERS = 200
_MOST_TEXT_CHARACTERS = 65_536
_MOST_WHOLE = 2**63 - 1
_MOST_AMOUNT = 1e15


def identifier(value: object, what: str) -> str:
    """`value` if it can be a key: a text of 1 to 200 printable characters."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} must be a text, not {type(value).__name__}")
    if not value.strip():
        raise InvalidInputError(f"{what} is empty", hint="give it at least one visible character")
    if len(value) > _MOST_ID_CHARACTERS:
        raise InvalidInputError(
            f"{what} has {len(value)} characters; at most {_MOST_ID_CHARACTERS} are allowed"
        )
    if not value.isprintable():
        raise InvalidInputError(
            f"{what} holds a line break or another control character: {value!r}",
            hint="use printable characters only",
        )
    return value


def execution_id(value: object) -> str:
    """`value` if it can be the id of an execution."""
    return identifier(value, "the execution's id")


def text(value: object, what: str) -> str | None:
    """Free text as it is stored: without NUL and without halves of surrogate pairs, shortened past 64 Ki."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} must be a text, not {type(value).__name__}")
    clean = value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _MOST_TEXT_CHARACTERS else clean[: _MOST_TEXT_CHARACTERS - 1] + "…"


def phase(value: object) -> str:
    """`value` if it is a phase."""
    return _one_of(value, PHASES, "a phase")


def execution_status(value: object) -> str:
    """`value` if it is a status of an execution."""
    return _one_of(value, EXECUTION_STATUSES, "a status of an execution")


def unfinished_status(value: object) -> str:
    """`value` if an execution can begin with it."""
    return _one_of(value, UNFINISHED, "a status to begin an execution with")


def attempt_end(value: object) -> str:
    """`value` if an attempt can end with it."""
    return _one_of(
        value, [status for status in ATTEMPT_STATUSES if status != "in_progress"], "an end of an attempt"
    )


def count(value: object, what: str, most: int) -> int:
    """`value` if it is a whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInputError(f"{what} must be a whole number from 1 to {most:,}, not {value!r}")
    return value


def whole(value: object, what: str, least: int = 0) -> int | None:
    """`value` if it is a whole number from `least` that a column can hold, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST_WHOLE:
        raise InvalidInputError(f"{what} must be a whole number from {least:,} on, not {value!r}")
    return value


def amount(value: object, what: str) -> float | None:
    """`value` as a number of something, such as dollars, or None."""
    return None if value is None else number(value, what)


def number(value: object, what: str) -> float:
    """`value` if it is a finite number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_AMOUNT:
        raise InvalidInputError(f"{what} must be a number from 0 on, not {value!r}")
    return float(value)


def _one_of(value: object, allowed: Sequence[str], what: str) -> str:
    if value not in allowed:
        raise InvalidInputError(f"{value!r} is not {what}", hint=f"use one of: {', '.join(allowed)}")
    return str(value)
