"""The project whose state is used here."""

from __future__ import annotations

from pathlib import Path

from adw_state.errors import NotMigratedError
from adw_state.trackers.locate import Location, locate


def prepared_project(db: str | None, *, folder: Path | None = None) -> Location:
    """Where the state of a project is that `adw init` has prepared.

    `db` names the database, by default the one that `adw where` shows for `folder`, by default the current
    one. Raises `NotMigratedError` where there is none yet, and what `locate` raises.
    """
    location = locate(db, cwd=folder)
    require_database(location)
    return location


def require_database(location: Location) -> None:
    """Raise `NotMigratedError`, with the command that makes one, where a project has no database yet."""
    if not location.database_exists():
        from adw_state.recovery.places import first_step  # only for who has yet to begin

        raise NotMigratedError(f"there is no state for {location.project} yet", hint=first_step(location))
