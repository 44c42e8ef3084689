"""History comes along when a project changes its tracker, or gets one.

Then our tables belong somewhere else (`locate` says where), and what they held lies in a previous location: a
tracker's SQLite file beside the Dolt store that replaced it, a sidecar from the time before there was
a tracker. The previous location is read from a private copy and stays as it is.
"""

from __future__ import annotations

from adw_state.clock import Clock
from adw_state.recovery.places import previous_locations
from adw_state.recovery.restoring import Restoration, Survey, restore, survey
from adw_state.trackers.tracker import Location


def look_behind(location: Location, clock: Clock) -> Survey:
    """The previous locations of this project's history that hold any. Writes nothing."""
    return survey(previous_locations(location), None, clock)


def move(location: Location, found: Survey, clock: Clock) -> Restoration:
    """Take along what the previous locations hold and the present one lacks; doing it again changes nothing.

    Raises `DatabaseError` and its kinds; then what is being taken along leaves nothing behind.
    """
    return restore(location, found.sources, clock, kind="moved")
