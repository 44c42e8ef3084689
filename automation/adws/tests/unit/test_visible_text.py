"""Text from outside cannot steer a terminal, forge a line or hide a character."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.visible_text import one_line, visible, visible_json, visible_lines

ANY_TEXT = st.text(st.characters(exclude_categories=()))
DIRECTION_MARKS = {"\u061c", "\u200e", "\u200f", *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def unseen(text: str) -> list[str]:
    return [
        char
        for char in text
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in DIRECTION_MARKS
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Grüße, 検索 🎉", "plain, Grüße, 検索 🎉"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x7f \x9b31m \x85", r"\x7f \x9b31m \x85"),
        ("a\nb\r\nc\td", r"a\nb\r\nc\td"),
        ("\u202eabc\u2066 \u2028 \u2029", r"\u202eabc\u2066 \u2028 \u2029"),
        ("\udcff", r"\udcff"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_cannot_be_seen_is_escaped_and_all_else_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a\x1b[31mb\nc\td", r"a\x1b[31mb c d"),
        ("two  blanks ", "two  blanks "),
        ("a\n\n  b \u2028 c", "a b c"),
        ("\x00", r"\x00"),
    ],
)
def test_line_breaks_are_blanks_in_a_cell(text: str, cell: str) -> None:
    assert one_line(text) == cell


def test_a_message_keeps_its_lines_and_their_indentation() -> None:
    assert visible_lines("one\r\n\ttwo\x1b\rthree\u2028four") == ["one", r"    two\x1b", "three", "four"]


@given(ANY_TEXT)
def test_nothing_unseen_is_left_and_utf8_can_carry_it(text: str) -> None:
    for shown in (visible(text), one_line(text), visible_json(text), *visible_lines(text)):
        assert unseen(shown) == []
        shown.encode("utf-8")


@given(ANY_TEXT)
def test_json_says_the_same_in_any_encoding(text: str) -> None:
    assert json.loads(visible_json({"title": text})) == {"title": text}
    assert json.loads(visible_json([text], ascii_only=True).encode("ascii")) == [text]
