"""JSON as it goes into and comes out of the database.

What is stored is checked before the write: only JSON's own types, no NaN or infinity, no cycles, at
most 16 MiB of text. A tuple is a list, as everywhere in JSON; keys must be texts, because a number
used as a key would come back as a text.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from adws.adw_modules.errors import CheckpointDataError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

MOST_BYTES = 16 * 1024 * 1024
_MOST_DEPTH = 200
_LISTS = (list, tuple)
_LEAVES = (str, int, float, type(None))  # truth values are whole numbers to Python
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)


def encode(value: object, what: str) -> str:
    """`value` as JSON text; `what` names it in errors (such as "checkpoint 'plan_written'")."""
    _require_plain(value, what)
    try:
        text = _ENCODER.encode(value)
        size = len(text.encode("utf-8"))
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
        raise _too_large(what, f"is {size:,} bytes long")
    return text


def decode(text: str) -> JSON:
    """The value that `encode` was given."""
    value: JSON = json.loads(text)
    return value


def _require_plain(value: object, what: str) -> None:
    # Level by level, so that the depth is known; what contains itself runs into one of the two limits.
    level, size = [value], 0
    for _ in range(_MOST_DEPTH + 1):
        try:
            level, more = _level_below(level)
        except TypeError as error:
            raise _fault(value, what) from error
        size += more
        if size > MOST_BYTES:
            raise _too_large(what, "is more than 16 MiB long, or contains itself")
        if not level:
            return
    raise CheckpointDataError(
        f"{what} is nested more than {_MOST_DEPTH} levels deep, or contains itself",
        hint="store a flat copy of the data",
    )


def _level_below(level: list[object]) -> tuple[list[object], int]:
    """What these values contain, and the least number of bytes they take as text; `TypeError` if not JSON."""
    deeper: list[object] = []
    size = len(level)
    for item in level:
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise TypeError
            deeper += item
            deeper += item.values()
        elif isinstance(item, _LISTS):
            deeper += item
        elif not isinstance(item, _LEAVES):
            raise TypeError
    return deeper, size


def _fault(value: object, what: str) -> CheckpointDataError:
    """What is wrong with a value that is not JSON, and where."""
    waiting: list[tuple[object, str]] = [(value, "")]
    for item, place in waiting:
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str):
                    return CheckpointDataError(
                        f"{what} has a key that is not a text at {place or 'the top'}: {key!r}",
                        hint="JSON objects have texts as keys; convert it with str()",
                    )
            waiting += [(part, f"{place}.{key}") for key, part in item.items()]
        elif isinstance(item, _LISTS):
            waiting += [(part, f"{place}[{index}]") for index, part in enumerate(item)]
        elif not isinstance(item, _LEAVES):
            return CheckpointDataError(
                f"{what} holds a {type(item).__name__} at {place or 'the top'}, which is not a JSON value",
                hint="convert it to texts, numbers, lists and dictionaries first",
            )
    raise AssertionError("a value without fault was called faulty")


def _too_large(what: str, size: str) -> CheckpointDataError:
    return CheckpointDataError(
        f"{what} {size}; at most {MOST_BYTES:,} are stored",
        hint="save large data to a file and store its path",
    )
