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


def encode(value: object, what: str) -> str:
    """`value` as JSON text; `what` names it in errors (such as "checkpoint 'plan_written'")."""
    _check(value, what, "", 0)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise CheckpointDataError(
            f"{what} holds a text that is not valid Unicode", hint="decode it with errors='replace' first"
        ) from error
    except ValueError as error:
        raise CheckpointDataError(
            f"{what} holds NaN or infinity", hint="JSON has no such numbers; store null or a text instead"
        ) from error
    if size > MOST_BYTES:
        raise CheckpointDataError(
            f"{what} is {size:,} bytes long; at most {MOST_BYTES:,} are stored",
            hint="save large data to a file and store its path",
        )
    return text


def decode(text: str) -> JSON:
    """The value that `encode` was given."""
    value: JSON = json.loads(text)
    return value


def _check(value: object, what: str, place: str, depth: int) -> None:
    # The depth limit also ends the walk around a cycle.
    if depth > _MOST_DEPTH:
        raise CheckpointDataError(
            f"{what} is nested more than {_MOST_DEPTH} levels deep, or contains itself",
            hint="store a flat copy of the data",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CheckpointDataError(
                    f"{what} has a key that is not a text at {place or 'the top'}: {key!r}",
                    hint="JSON objects have texts as keys; convert it with str()",
                )
            _check(item, what, f"{place}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, what, f"{place}[{index}]", depth + 1)
    elif not (value is None or isinstance(value, str | int | float)):
        raise CheckpointDataError(
            f"{what} holds a {type(value).__name__} at {place or 'the top'}, which is not a JSON value",
            hint="convert it to texts, numbers, lists and dictionaries first",
        )
