"""The beginning of an id is enough where only one id begins so."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adw_state.errors import InvalidInputError
from adw_state.state import BeadsStateManager


def begin(state: BeadsStateManager, *ids: str) -> None:
    for number, name in enumerate(ids):
        state.create_execution(f"proj-{number}", adw_id=name)


def found(state: BeadsStateManager, text: str) -> str | None:
    execution = state.find_execution(text)
    return None if execution is None else execution.id


def test_the_only_id_that_begins_so_is_found(state: BeadsStateManager) -> None:
    begin(state, "adw-1aa", "adw-2bb", "zzz")
    assert found(state, "adw-1") == "adw-1aa"
    assert found(state, "z") == "zzz"
    assert found(state, "adw-3") is None
    assert found(state, "dw-1aa") is None, "an end is no beginning"


def test_an_exact_id_wins_over_longer_ones(state: BeadsStateManager) -> None:
    begin(state, "run-1", "run-10", "run-11")
    assert found(state, "run-1") == "run-1"


def test_an_ambiguous_beginning_names_the_ids(state: BeadsStateManager) -> None:
    begin(state, "run-1", "run-2")
    with pytest.raises(InvalidInputError) as caught:
        state.find_execution("run")
    assert str(caught.value) == "'run' is the beginning of more than one execution id: run-1, run-2"
    assert caught.value.exit_code == 2

    begin(state, *(f"many-{number:02}" for number in range(12)))
    with pytest.raises(InvalidInputError, match=r"many-00, .*many-09 and more$"):
        state.find_execution("many-")


def test_nothing_in_an_id_is_a_wildcard(state: BeadsStateManager) -> None:
    begin(state, "a_b", "axb", "50%", "[c]d")
    assert found(state, "a_") == "a_b"
    assert found(state, "%") is None
    assert found(state, "[c") == "[c]d"
    assert found(state, "A") is None, "case matters"
    for blank in ("", " "):
        with pytest.raises(InvalidInputError):
            state.find_execution(blank)


IDS = st.lists(
    st.text(st.sampled_from("aÄ検🎉\U0010fffd_%"), min_size=1, max_size=4), unique=True, max_size=6
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ids=IDS, beginning=st.text(st.sampled_from("aÄ検🎉_%"), min_size=1, max_size=3))
def test_ids_are_found_as_python_would(ids: list[str], beginning: str, state: BeadsStateManager) -> None:
    prefix = f"x{len(state.list_executions(limit=10_000))}:"  # apart from the examples before
    begin(state, *(prefix + name for name in ids if (prefix + name).isprintable()))
    matching = [prefix + name for name in ids if name.startswith(beginning) and name.isprintable()]
    expected = [prefix + beginning] if prefix + beginning in matching else matching
    if len(expected) > 1:
        with pytest.raises(InvalidInputError):
            state.find_execution(prefix + beginning)
    else:
        assert found(state, prefix + beginning) == (expected[0] if expected else None)
