"""Checks of single values."""

from __future__ import annotations

import pytest

from adw_state.errors import InvalidInputError
from adw_state.store import values


@pytest.mark.parametrize(
    "name", ["a", "proj-12", "-x", "it's", 'a "b"', "../x", "größe 7", "x" * 200, "--prompt"]
)
def test_an_identifier_is_taken_as_given(name: str) -> None:
    assert values.identifier(name, "the id") == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the id is empty"),
        (" \t", "the id is empty"),
        ("x" * 201, "the id has 201 characters; at most 200 are allowed"),
        ("a\nb", "the id holds a line break or another control character: 'a\\nb'"),
        ("a\0b", "the id holds a line break or another control character: 'a\\x00b'"),
        ("a\udcff", "the id holds a line break or another control character: 'a\\udcff'"),
        (7, "the id must be a text, not int"),
        (None, "the id must be a text, not NoneType"),
    ],
)
def test_what_cannot_be_a_key_is_refused(name: object, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        values.identifier(name, "the id")
    assert str(caught.value) == message


def test_free_text_loses_what_no_database_takes_and_its_end_past_64_ki() -> None:
    assert values.text(None, "x") is None
    assert values.text("", "x") == ""
    assert values.text("a\0b\nc\td \u2026", "x") == "ab\nc\td \u2026"
    assert values.text("half \ud800 pair", "x") == "half ? pair"
    assert values.text("y" * 65_536, "x") == "y" * 65_536
    assert values.text("y" * 65_537, "x") == "y" * 65_535 + "\u2026"
    with pytest.raises(InvalidInputError, match="x must be a text, not bytes"):
        values.text(b"y", "x")


def test_whole_numbers_are_whole_and_fit_a_column() -> None:
    assert values.whole(None, "n") is None
    assert values.whole(0, "n") == 0
    assert values.whole(-9, "n", -(2**31)) == -9
    assert values.whole(2**63 - 1, "n") == 2**63 - 1
    for wrong in (-1, 2**63, True, 1.0, "1"):
        with pytest.raises(InvalidInputError, match="n must be a whole number from 0 on"):
            values.whole(wrong, "n")


def test_amounts_are_finite_and_not_negative() -> None:
    assert values.number(3, "n") == 3.0
    assert values.number(0.25, "n") == 0.25
    for wrong in (-0.1, float("nan"), float("inf"), True, "1", 10**400):
        with pytest.raises(InvalidInputError, match="n must be a number from 0 on"):
            values.number(wrong, "n")


def test_counts_begin_with_one() -> None:
    assert values.count(1, "limit", 10) == 1
    assert values.count(10, "limit", 10) == 10
    for wrong in (0, 11, -1, True, 1.5, "5", None):
        with pytest.raises(InvalidInputError, match="limit must be a whole number from 1 to 10"):
            values.count(wrong, "limit", 10)


def test_a_word_outside_its_list_is_answered_with_the_list() -> None:
    with pytest.raises(InvalidInputError) as caught:
        values.execution_status("done")
    assert str(caught.value) == "'done' is not a status of an execution"
    assert caught.value.hint == "use one of: pending, in_progress, waiting, completed, failed, cancelled"
    for check, wrong in (
        (values.unfinished_status, "completed"),
        (values.unfinished_status, "waiting"),
        (values.attempt_end, "in_progress"),
    ):
        with pytest.raises(InvalidInputError, match=r"is not an? "):
            check(wrong)


@pytest.mark.parametrize("name", ["a", "plan", "smoke-test_2", "x" * 50, "z9-_"])
def test_any_short_name_can_be_a_phase(name: str) -> None:
    assert values.phase(name) == name
    assert values.phases([name, "other"]) == (name, "other")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "'' cannot be the name of a phase"),
        ("Plan", "'Plan' cannot be the name of a phase"),
        ("a b", "'a b' cannot be the name of a phase"),
        ("plan\n", "'plan\\n' cannot be the name of a phase"),
        ("-a", "'-a' cannot be the name of a phase"),
        ("größe", "'größe' cannot be the name of a phase"),
        ("x" * 51, f"'{'x' * 51}' cannot be the name of a phase"),
        (None, "the name of a phase must be a text"),
        (["plan"], "the name of a phase must be a text"),
    ],
)
def test_what_cannot_be_a_phase_is_refused(name: object, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        values.phase(name)
    assert str(caught.value) == message
