"""Opening the database of a project: runs that were kept in JSON alone come in first.

Every command and every program comes by here, so nothing is imported that is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.run_root import json_only_runs

if TYPE_CHECKING:
    from adw_state.clock import Clock
    from adw_state.state import BeadsStateManager
    from adw_state.trackers.locate import Location


def open_project(location: Location, clock: Clock | None = None) -> BeadsStateManager:
    """The project's database, with every run that its folder says was kept in JSON alone.

    Raises `DatabaseError` and its kinds, and `ConfigurationError`.
    """
    from adw_state.state import BeadsStateManager

    manager = BeadsStateManager(location.database, clock=clock)
    if json_only_runs(location.project):
        from adw_state.recovery.json_reconciliation import reconcile_json_runs

        try:
            reconcile_json_runs(manager, location.project)
        except BaseException:
            manager.close()
            raise
    return manager
