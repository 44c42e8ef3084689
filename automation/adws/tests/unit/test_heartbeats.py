"""Signs of life: given for each run until it ends or is lost, whatever else fails."""

from __future__ import annotations

import threading
from contextlib import closing

from adw_state.errors import DatabaseError, OwnershipLostError
from adw_state.heartbeats import Heartbeats

_LONG = 30.0


def test_a_run_that_was_lost_is_told_once_and_the_others_go_on() -> None:
    told: list[OwnershipLostError] = []
    loss = OwnershipLostError("taken over")
    beats_since: list[int] = []
    enough = threading.Event()

    def lost_beat() -> None:
        raise loss

    def other_beat() -> None:
        beats_since.append(len(told))
        if beats_since.count(1) == 3:
            enough.set()

    with closing(Heartbeats(0.001)) as heartbeats:
        heartbeats.begin("lost", lost_beat, told.append)
        heartbeats.begin("other", other_beat, told.append)
        assert enough.wait(_LONG)
    assert told == [loss]


def test_a_fault_of_the_database_ends_no_signs_of_life() -> None:
    beats: list[int] = []
    again = threading.Event()

    def beat() -> None:
        beats.append(len(beats))
        if len(beats) > 1:
            again.set()
        raise DatabaseError("it cannot be written now")

    with closing(Heartbeats(0.001)) as heartbeats:
        heartbeats.begin("run-1", beat, lambda _error: beats.clear())
        assert again.wait(_LONG)
    assert beats[:2] == [0, 1]
