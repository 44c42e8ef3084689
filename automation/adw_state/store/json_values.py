"""JSON as it goes into and comes out of the database.

What is stored is checked before the write: only JSON's own types, no NaN or infinity, no cycles, at
most 16 MiB of text. A tuple is a list, as everywhere in JSON; keys must be texts, because a number
used as a key would come back as a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from adw_state.errors import CheckpointDataError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
MOST_BYTES = 16 * 1024 * 1024
_MOST_DEPTH = 200
_LEAVES = (str, int, float, type(None))  # truth values are whole numbers to Python
_TEXT = frozenset((str,))
_PLAIN = frozenset((int, float, bool, type(None)))
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
_DECODER = json.JSONDecoder()


def encode(value: object, what: str) -> str:
    """`value` as JSON text; `what` names it in errors (such as "checkpoint 'plan_written'")."""
    if not isinstance(value, _LEAVES):
        size, depth = _measured(value, what, [], {})
        if depth > _MOST_DEPTH:
            raise _too_deep(what)
        if size > MOST_BYTES:
            raise _too_large(what)
    try:
        text = _ENCODER.encode(value)
        size = len(text) if text.isascii() else len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise CheckpointDataError(
            f"{what} holds a text that is not valid Unicode", hint="decode it with errors='replace' first"
        ) from error
    except ValueError as error:
        raise CheckpointDataError(
            f"{what} holds a number that JSON cannot carry: NaN, infinity, or thousands of digits",
            hint="store null or a text instead",
        ) from error
    if size > MOST_BYTES:
        raise _too_large(what)
    return text


def decode(text: str) -> JSON:
    """The value that `encode` was given; what somebody else stored and is no JSON is a text."""
    try:
        value: JSON = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    return value


def _measured(
    value: object, what: str, path: list[object], known: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    """The least length of a container as JSON, and how deep it is; what is in it more than once is `known`.

    `path` are the keys that lead to it. Raises `CheckpointDataError` for what is not JSON.
    """
    if id(value) in known:
        return known[id(value)]
    if len(path) >= _MOST_DEPTH:
        raise _too_deep(what)  # or it contains itself
    size, depth = 2, 0
    for key, part in _parts(value, what, path):
        if type(part) is str:
            size += len(part)
        elif type(part) in _PLAIN or isinstance(part, _LEAVES):
            size += 1
        else:
            path.append(key)
            more, below = _measured(part, what, path, known)
            path.pop()
            size, depth = size + more, max(depth, below)
    known[id(value)] = size, depth + 1
    return known[id(value)]


def _parts(value: object, what: str, path: list[object]) -> Iterable[tuple[object, object]]:
    if isinstance(value, list | tuple):
        return enumerate(value)
    if not isinstance(value, dict):
        raise CheckpointDataError(
            f"{what} holds a {type(value).__name__} at {_place(path)}, which is not a JSON value",
            hint="convert it to texts, numbers, lists and dictionaries first",
        )
    if not _TEXT.issuperset(map(type, value)) and (
        wrong := [key for key in value if not isinstance(key, str)]
    ):
        raise CheckpointDataError(
            f"{what} has a key that is not a text at {_place(path)}: {wrong[0]!r}",
            hint="JSON objects have texts as keys; convert it with str()",
        )
    return value.items()


def _place(path: list[object]) -> str:
    return "".join(f".{key}" if isinstance(key, str) else f"[{key}]" for key in path) or "the top"


def _too_deep(what: str) -> CheckpointDataError:
    return CheckpointDataError(
        f"{what} is nested more than {_MOST_DEPTH} levels deep, or contains itself",
        hint="store a flat copy of the data",
    )


def _too_large(what: str) -> CheckpointDataError:
    return CheckpointDataError(
        f"{what} is more than 16 MiB long; at most {MOST_BYTES:,} bytes are stored",
        hint="save large data to a file and store its path",
    )
