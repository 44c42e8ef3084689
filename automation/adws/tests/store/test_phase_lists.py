"""The phases of an execution are data: a list of names that no statement and no module of the store knows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adw_state
from adw_state.errors import InvalidInputError
from adw_state.store.records import decode_phases, encode_phases
from adw_state.store.values import listed, place_of

_LIBRARY = Path(adw_state.__file__).parent
_NAMES = st.from_regex(r"[ab][ab_-]{0,2}", fullmatch=True)  # so few that they are alike
_LISTS = st.lists(_NAMES, min_size=1, max_size=5, unique=True)


@given(phases=_LISTS)
def test_a_list_is_stored_and_read_back_in_its_order(phases: list[str]) -> None:
    assert decode_phases(encode_phases(phases)) == tuple(phases)


@given(phases=_LISTS, other=_NAMES)
def test_the_pattern_of_a_phase_fits_the_lists_that_hold_it_and_no_others(
    phases: list[str], other: str
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for phase in (*phases, other):
            fits = connection.execute(
                r"SELECT ? LIKE ? ESCAPE '\'", (encode_phases(phases), listed(phase))
            ).fetchone()
            assert fits == (int(phase in phases),)


def test_a_phase_has_its_place_counted_from_one() -> None:
    assert [place_of(phase, ("a", "b", "c"), "x") for phase in "abc"] == [1, 2, 3]
    with pytest.raises(InvalidInputError) as caught:
        place_of("d", ("a", "b"), "x")
    assert (str(caught.value), caught.value.hint) == ("'d' is not a phase of execution x", "use one of: a, b")


@pytest.mark.parametrize("text", ["", "plan", '"plan"', "{}", "7", "null", "[", "[" * 5000])
def test_what_somebody_else_stored_in_the_place_of_a_list_is_no_phase(text: str) -> None:
    assert decode_phases(text) == ()


def _sources() -> Iterator[Path]:
    yield from (_LIBRARY / "db_migrations").glob("*.sql")
    yield from (_LIBRARY / "queries").glob("*.sql")
    for room in ("store", "shared_file", "recovery", "reports", "doctor"):
        yield from (_LIBRARY / room).rglob("*.py")


def test_no_statement_and_no_module_below_the_workflow_names_a_phase() -> None:
    named = {
        str(path.relative_to(_LIBRARY)): found
        for path in _sources()
        if (found := re.findall(r"""["'](?:plan|build|review)["']""", path.read_text(encoding="utf-8")))
    }
    assert named == {}
