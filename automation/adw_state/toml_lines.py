"""On which lines of a TOML file its keys stand, for messages; `tomllib` does not tell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

Keys: TypeAlias = tuple[str, ...]


def lines_of_keys(text: str) -> dict[Keys, int]:
    """The line on which each key, and each table, is first given; `text` is valid TOML.

    A statement is as many lines as the parser needs, so strings and lists may have several.
    """
    found: dict[Keys, int] = {}
    table: Keys = ()
    statement, begins_at = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        begins_at = begins_at if statement else number
        statement += f"{line}\n"
        try:
            paths = list(_paths(tomllib.loads(statement)))
        except ValueError:
            continue
        if statement.lstrip().startswith("["):
            table = paths[-1]
            before: Keys = ()
        else:
            before = table
        for path in paths:
            found.setdefault(before + path, begins_at)
        statement = ""
    return found


def _paths(values: Mapping[str, object]) -> Iterator[Keys]:
    for name, value in values.items():
        yield (name,)
        if isinstance(value, Mapping):
            yield from ((name, *path) for path in _paths(value))
