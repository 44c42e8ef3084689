"""Checks of single values before they reach a statement; neither engine checks types itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adw_state.built_in import HOW_TO_NAME, MOST_PHASES, NAME
from adw_state.clock import format_time
from adw_state.errors import InvalidInputError
from adw_state.store.records import ATTEMPT_STATUSES, COST_KINDS, EXECUTION_STATUSES, WAITING_FOR
from adw_state.text_files import storable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BEGINNINGS = ("pending", "in_progress")
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
    clean = storable(value)
    return clean if len(clean) <= _MOST_TEXT_CHARACTERS else clean[: _MOST_TEXT_CHARACTERS - 1] + "…"


def name(value: object, what: str) -> str:
    """`value` if it is a name as phases have it, such as `build` or `smoke-test_2`."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InvalidInputError(
            f"{value!r} cannot be {what}" if isinstance(value, str) else f"{what} must be a text",
            hint=HOW_TO_NAME,
        )
    return value


def phase(value: object) -> str:
    """`value` if it can be the name of a phase."""
    return name(value, "the name of a phase")


def phases(value: object) -> tuple[str, ...]:
    """`value` if it can be the phases of a workflow in order: from 1 to 100 different names."""
    if not isinstance(value, list | tuple):
        raise InvalidInputError(f"phases must be a list of names, not {type(value).__name__}")
    if not 1 <= len(value) <= MOST_PHASES:
        raise InvalidInputError(f"a workflow has 1 to {MOST_PHASES} phases, not {len(value)}")
    names = tuple(phase(one) for one in value)
    for place, one in enumerate(names):
        if one in names[:place]:
            raise InvalidInputError(f"the phase {one!r} is there twice", hint="give each phase its own name")
    return names


def place_of(phase: str, phases: Sequence[str], execution_id: str) -> int:
    """The place of a phase in its execution's list, from 1. Raises `InvalidInputError` if it has none."""
    if phase not in phases:
        raise InvalidInputError(
            f"{phase!r} is not a phase of execution {execution_id}", hint=f"use one of: {', '.join(phases)}"
        )
    return phases.index(phase) + 1


def listed(phase: str) -> str:
    r"""The pattern, for LIKE … ESCAPE '\', of a stored list that holds this phase."""
    return '%"' + phase.replace("_", r"\_") + '"%'


def execution_status(value: object) -> str:
    """`value` if it is a status of an execution."""
    return _one_of(value, EXECUTION_STATUSES, "a status of an execution")


def unfinished_status(value: object) -> str:
    """`value` if an execution can begin with it."""
    return _one_of(value, _BEGINNINGS, "a status to begin an execution with")


def attempt_end(value: object) -> str:
    """`value` if an attempt can end with it."""
    return _one_of(
        value, [status for status in ATTEMPT_STATUSES if status != "in_progress"], "an end of an attempt"
    )


def waiting(
    status: str, what_for: object, until: datetime | None, release_by: object
) -> Mapping[str, str | None]:
    """The columns that say what an execution of this status waits for; all are None unless it is waiting."""
    if status != "waiting":
        if (what_for, until, release_by) != (None, None, None):
            raise InvalidInputError(
                f"an execution that is {status} waits for nothing", hint="these fields go with 'waiting'"
            )
        return {"waiting_for": None, "waiting_until": None, "release_by": None}
    return {
        "waiting_for": _one_of(what_for, WAITING_FOR, "what an execution can wait for"),
        "waiting_until": None if until is None else format_time(until),
        "release_by": text(release_by, "release_by"),
    }


def agent_use(used: Mapping[str, Any]) -> dict[str, object]:
    """The columns that say what the agent of an attempt has used; what is not there is None."""
    counts = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    return {
        "model": text(used.get("model"), "model"),
        "session_id": text(used.get("session_id"), "session_id"),
        **{name: whole(used.get(name), name) for name in counts},
        **cost(used.get("cost_usd"), used.get("cost_kind")),
    }


def cost(usd: object, kind: object) -> Mapping[str, float | str | None]:
    """The columns of a cost; one whose kind is not said was reported."""
    dollars = None if usd is None else number(usd, "cost_usd")
    if kind is None:
        return {"cost_usd": dollars, "cost_kind": None if dollars is None else "reported"}
    known = _one_of(kind, COST_KINDS, "a kind of cost")
    if dollars is not None and known == "unknown":
        raise InvalidInputError("a cost in dollars is not unknown", hint="call it 'reported' or 'estimated'")
    return {"cost_usd": dollars, "cost_kind": known}


def sha256(value: object, what: str) -> str | None:
    """`value` if it is a SHA-256 in 64 lower-case hexadecimal digits, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise InvalidInputError(f"{what} must be 64 lower-case hexadecimal digits, not {value!r}")
    return value


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


def number(value: object, what: str) -> float:
    """`value` if it is a finite number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_AMOUNT:
        raise InvalidInputError(f"{what} must be a number from 0 on, not {value!r}")
    return float(value)


def _one_of(value: object, allowed: Sequence[str], what: str) -> str:
    if value not in allowed:
        raise InvalidInputError(f"{value!r} is not {what}", hint=f"use one of: {', '.join(allowed)}")
    return str(value)
