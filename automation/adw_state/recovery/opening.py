"""Opening the database of a project: runs that were kept in JSON alone come in first.

Every command and every program comes by here, so nothing is imported that is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.errors import NotMigratedError
from adw_state.run_root import json_only_runs

if TYPE_CHECKING:
    from adw_state.clock import Clock
    from adw_state.state import BeadsStateManager
    from adw_state.trackers.tracker import Location


def require_database(location: Location) -> None:
    """Raise `NotMigratedError`, with the command that makes one, where a project has no database yet."""
    if not location.database_exists():
        from adw_state.recovery.places import first_step  # only for who has yet to begin

        raise NotMigratedError(f"there is no state for {location.project} yet", hint=first_step(location))


def open_project(
    location: Location, clock: Clock | None = None, *, as_it_is: bool = False
) -> BeadsStateManager:
    """The project's database, with every run that its folder says was kept in JSON alone; nothing is created.

    A database that somebody named is opened `as_it_is`. Raises `DatabaseError` and its kinds, of which
    `NotMigratedError` is for a project that has none yet, and `ConfigurationError`.
    """
    require_database(location)
    from adw_state.state import BeadsStateManager  # only for who has a database

    manager = BeadsStateManager(location.database, clock=clock)
    if not as_it_is and json_only_runs(location.project):
        from adw_state.recovery.json_states import reconcile_json_runs

        try:
            reconcile_json_runs(manager, location.project)
        except BaseException:
            manager.close()
            raise
    return manager
