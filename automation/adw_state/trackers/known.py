"""The trackers that are known, in the order in which a project is asked for them."""

from __future__ import annotations

from adw_state.trackers.bd import BD
from adw_state.trackers.bd_dolt import BD_DOLT
from adw_state.trackers.br import BR
from adw_state.trackers.search import Found
from adw_state.trackers.tracker import Tracker

_TRACKERS: tuple[Tracker, ...] = (BD_DOLT, BR, BD)


def tracker_of(found: Found) -> tuple[Tracker, tuple[str, ...]]:
    """Which tracker was found, and the sentences that show it. Raises `DatabaseForeignError`."""
    for tracker in _TRACKERS:
        if evidence := tracker.evidence(found):
            return tracker, evidence
    raise AssertionError("bd takes what no other tracker does")
