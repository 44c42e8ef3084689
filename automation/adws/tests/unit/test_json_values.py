"""JSON as it goes into and comes out of the database."""

from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given

from adw_state.errors import CheckpointDataError
from adw_state.store.json_values import JSON, MOST_BYTES, decode, encode
from adws.tests.json_samples import json_values


@given(json_values)
def test_every_json_value_comes_back_as_it_went_in(value: JSON) -> None:
    text = encode(value, "x")
    assert decode(text) == value
    assert _types(decode(text)) == _types(value)
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\0" not in text


def _types(value: object) -> object:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return type(value)


def test_null_false_zero_and_the_empty_containers_are_values_too() -> None:
    values: tuple[JSON, ...] = (None, False, 0, 0.0, "", [], {})
    for value in values:
        assert decode(encode(value, "x")) == value
        assert type(decode(encode(value, "x"))) is type(value)
    assert math.copysign(1, decode(encode(-0.0, "x"))) == -1  # type: ignore[arg-type]


def test_tuples_become_lists_and_subclasses_what_they_extend() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    value = {"pair": (1, (2,)), "ordered": OrderedDict(a=1), "colour": Colour.RED}
    assert decode(encode(value, "x")) == {"pair": [1, [2]], "ordered": {"a": 1}, "colour": "red"}


def test_stored_text_is_compact_and_keeps_letters_as_they_are() -> None:
    assert encode({"größe": [1, 2.5, None, True]}, "x") == '{"größe":[1,2.5,null,true]}'


_CYCLE: list[Any] = []
_CYCLE.append(_CYCLE)
_WIDE_CYCLE: list[Any] = []
_WIDE_CYCLE += [_WIDE_CYCLE, _WIDE_CYCLE]
_DEEP: list[Any] = []
for _ in range(100_000):
    _DEEP = [_DEEP]
_HALF: list[Any] = []
for _ in range(150):
    _HALF = [_HALF]
_AGAIN = _HALF
for _ in range(60):
    _AGAIN = [_AGAIN]
_DOUBLED: list[Any] = []
for _ in range(100):
    _DOUBLED = [_DOUBLED, _DOUBLED]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "x holds a number that JSON cannot carry: NaN, infinity, or thousands of digits"),
        ([math.inf], "x holds a number that JSON cannot carry: NaN, infinity, or thousands of digits"),
        (10**5000, "x holds a number that JSON cannot carry: NaN, infinity, or thousands of digits"),
        (b"bytes", "x holds a bytes at the top, which is not a JSON value"),
        ({"a": [1, {"b": {1, 2}}]}, "x holds a set at .a[1].b, which is not a JSON value"),
        ([object], "x holds a type at [0], which is not a JSON value"),
        ({"a": {1: 2}}, "x has a key that is not a text at .a: 1"),
        ({None: 2}, "x has a key that is not a text at the top: None"),
        (_CYCLE, "x is nested more than 200 levels deep, or contains itself"),
        (_WIDE_CYCLE, "x is nested more than 200 levels deep, or contains itself"),
        ([_HALF, _AGAIN], "x is nested more than 200 levels deep, or contains itself"),
        (_DEEP, "x is nested more than 200 levels deep, or contains itself"),
        (_DOUBLED, "x is more than 16 MiB long; at most 16,777,216 bytes are stored"),
        ("\ud800", "x holds a text that is not valid Unicode"),
        ({"\udfff": 1}, "x holds a text that is not valid Unicode"),
        (["y" * 1024] * 17_000, "x is more than 16 MiB long; at most 16,777,216 bytes are stored"),
        ("ä" * (MOST_BYTES // 2), "x is more than 16 MiB long; at most 16,777,216 bytes are stored"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_json_cannot_carry_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(CheckpointDataError) as caught:
        encode(value, "x")
    assert str(caught.value) == message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_the_limits_themselves_are_allowed() -> None:
    nested: JSON = "x"
    for _ in range(200):
        nested = [nested]
    assert decode(encode(nested, "x")) == nested
    with pytest.raises(CheckpointDataError, match="nested more than 200 levels"):
        encode([nested], "x")
    largest = "y" * (MOST_BYTES - 2)
    assert len(encode(largest, "x")) == MOST_BYTES


def test_what_was_saved_deep_can_be_read_from_deep_within_a_program() -> None:
    nested: JSON = "x"
    for _ in range(200):
        nested = {"a": nested}
    text = encode(nested, "x")

    def further_down(levels: int) -> JSON:
        return further_down(levels - 1) if levels else decode(text)

    assert json.dumps(further_down(300)) == json.dumps(nested)
