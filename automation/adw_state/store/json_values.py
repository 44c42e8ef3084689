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
_Container: TypeAlias = "dict[object, object] | list[object] | tuple[object, ...]"
# Containers of one depth by identity, each with how often it is there: what is shared is looked at once.
_Level: TypeAlias = "dict[int, tuple[_Container, int]]"

MOST_BYTES = 16 * 1024 * 1024
_MOST_DEPTH = 200
_CONTAINERS = (dict, list, tuple)
_LEAVES = (str, int, float, type(None))  # truth values are whole numbers to Python
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
_DECODER = json.JSONDecoder()
_TEXT = frozenset((str,))
_PLAIN_LEAVES = frozenset((int, float, bool, type(None)))
_FEW_ITEMS = 10_000


def encode(value: object, what: str) -> str:
    """`value` as JSON text; `what` names it in errors (such as "checkpoint 'plan_written'")."""
    if not _is_plain_at_a_glance(value):
        _require_plain(value, what)
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
        raise _too_large(what, f"is {size:,} bytes long")
    return text


def decode(text: str) -> JSON:
    """The value that `encode` was given; what somebody else stored and is no JSON is a text."""
    try:
        value: JSON = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    return value


def _is_plain_at_a_glance(value: object) -> bool:
    """Whether this is surely JSON, not too deep and not too large, as nearly all of it is.

    Only a few containers and items, of exactly JSON's types, are seen to be; all else takes a closer look.
    """
    containers = [value]
    items = characters = 0
    for container in containers:
        parts = _plain_parts(container)
        if parts is None or len(containers) > _MOST_DEPTH or items > _FEW_ITEMS:
            return False
        for part in parts:
            if type(part) is str:
                characters += len(part)
            elif type(part) not in _PLAIN_LEAVES:
                containers.append(part)
        items += len(parts)
    return items <= _FEW_ITEMS and characters <= MOST_BYTES


def _plain_parts(container: object) -> list[object] | None:
    if type(container) is list:
        return container
    if type(container) is dict and _TEXT.issuperset(map(type, container)):
        return [*container, *container.values()]
    return None


def _require_plain(value: object, what: str) -> None:
    # Level by level, so that the depth is known; what contains itself runs into one of the two limits.
    level: _Level = {0: ([value], 1)}
    size = 0
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


def _level_below(level: _Level) -> tuple[_Level, int]:
    """The containers within these, and the least number of bytes of what else is; `TypeError` if not JSON."""
    deeper: _Level = {}
    size = 0
    for container, times in level.values():
        for item in _parts(container):
            if isinstance(item, str):
                size += times * (len(item) + 1)
            elif isinstance(item, _CONTAINERS):
                size += times
                known = deeper.get(id(item))
                deeper[id(item)] = item, times + (known[1] if known else 0)
            elif isinstance(item, _LEAVES):
                size += times
            else:
                raise TypeError
    return deeper, size


def _parts(container: _Container) -> Iterable[object]:
    if not isinstance(container, dict):
        return container
    if not all(isinstance(key, str) for key in container):
        raise TypeError
    return *container, *container.values()


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
        elif isinstance(item, list | tuple):
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
