"""The names that we make."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from adw_state.store.ids import new_execution_id, new_op_id
from adws.tests.processes import run_together

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_execution_id_has_one_shape() -> None:
    assert re.fullmatch(r"adw-[0-9a-hjkmnp-tv-z]{22}", new_execution_id(_NOON))


def test_ids_sort_by_the_millisecond_in_which_they_were_made() -> None:
    moments = [_NOON + timedelta(milliseconds=step) for step in (0, 1, 2, 31, 32, 33, 1024, 10**9, 10**12)]
    ids = [new_execution_id(moment) for moment in moments]
    assert ids == sorted(ids)


def test_ten_thousand_ids_of_one_millisecond_are_all_different() -> None:
    assert len({new_execution_id(_NOON) for _ in range(10_000)}) == 10_000


def test_processes_that_fork_from_one_another_make_different_names() -> None:
    names = run_together([lambda: (new_execution_id(_NOON), new_op_id())] * 8)
    assert len({name for pair in names for name in pair}) == 16


def test_an_op_id_is_128_bits_in_hexadecimal() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", new_op_id())
