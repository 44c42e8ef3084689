"""The trackers that are known, in the order in which a project is asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.trackers.bd import BD
from adw_state.trackers.bd_dolt import BD_DOLT
from adw_state.trackers.br import BR
from adw_state.trackers.tracker import Tracker

if TYPE_CHECKING:
    from adw_state.trackers.search import Found

_TRACKERS: tuple[Tracker, ...] = (BD_DOLT, BR, BD)


def is_known(found: Found) -> bool:
    """Whether one of them is at what was found."""
    return any(tracker.evidence(found) for tracker in _TRACKERS)


def tracker_of(found: Found) -> tuple[Tracker, tuple[str, ...]]:
    """Which tracker was found, and the sentences that show it. Raises `DatabaseForeignError`."""
    for tracker in _TRACKERS:
        if evidence := tracker.evidence(found):
            return tracker, evidence
    raise AssertionError("bd takes what no other tracker does")
