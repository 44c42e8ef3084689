"""Texts as others may have stored them: bytes that are not UTF-8, or a blob where a text belongs.

One such row must not keep the others from being read. Our tables have no column for bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from adw_state.errors import StoreFaultError

decode_text = partial(str, encoding="utf-8", errors="replace")
"""The text of these bytes, with a mark in the place of each that is none."""


def texts_decoded(row: Iterable[Any]) -> list[Any]:
    """The values of a row, with texts in the place of blobs."""
    values = list(row)
    if bytes in map(type, values):
        return [decode_text(value) if isinstance(value, bytes) else value for value in values]
    return values


def columns_of(row: Iterable[Any], table: str, number: int) -> list[Any]:
    """The values of our columns in a row of a table of ours, decoded; somebody may have added some behind.

    Raises `StoreFaultError` where the table has lost some.
    """
    values = texts_decoded(row)
    if len(values) < number:
        raise StoreFaultError(
            f"the table {table} has lost {number - len(values)} of its {number} columns",
            hint="`adw doctor` names the commands that bring them back",
        )
    return values[:number]
