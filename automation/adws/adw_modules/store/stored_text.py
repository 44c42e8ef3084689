"""Texts as others may have stored them: bytes that are not UTF-8, or a blob where a text belongs.

One such row must not keep the others from being read. Our tables have no column for bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def decode_text(stored: bytes) -> str:
    """The text, with a mark in the place of each byte that is none."""
    return stored.decode("utf-8", "replace")


def texts_decoded(row: Iterable[Any]) -> list[Any]:
    """The values of a row, with texts in the place of blobs."""
    values = list(row)
    if bytes in map(type, values):
        return [decode_text(value) if isinstance(value, bytes) else value for value in values]
    return values
