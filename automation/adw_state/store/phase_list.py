"""The phases of an execution in order: a JSON list of names; statements look into it by a pattern only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from adw_state.errors import InvalidInputError
from adw_state.store.json_values import decode, encode


def encode_phases(phases: Sequence[str]) -> str:
    """The list as it is stored."""
    return encode(list(phases), "the list of phases")


@lru_cache(maxsize=256)
def decode_phases(text: str) -> tuple[str, ...]:
    """The phases of a stored list; none where somebody else stored something that is no list."""
    value = decode(text)
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def listed(phase: str) -> str:
    r"""The pattern, for LIKE … ESCAPE '\', of a stored list that holds this phase."""
    return '%"' + phase.replace("_", r"\_") + '"%'


def place_of(phase: str, phases: Sequence[str], execution_id: str) -> int:
    """The place of a phase in its execution's list, from 1. Raises `InvalidInputError` if it has none."""
    if phase not in phases:
        raise InvalidInputError(
            f"{phase!r} is not a phase of execution {execution_id}", hint=f"use one of: {', '.join(phases)}"
        )
    return phases.index(phase) + 1
