"""The commands that bring the history back where the content of the database is damaged."""

from __future__ import annotations

import shlex

from adw_state.doctor.project import Project
from adw_state.engine.sqlite.backup import list_backups
from adw_state.trackers.bd_program import installed_bd
from adw_state.trackers.database_file import commands_that_put_away


def way_back(project: Project) -> str | None:
    """Commands to be run one after the other; None where bd has to be installed first, or a backup found."""
    location = project.location
    restore = project.command("adw restore")
    moves = commands_that_put_away(location.database)
    if not location.is_shared_file:
        return "; ".join([*moves, restore])
    if installed_bd(project.environ):
        return f"bd doctor --fix; {restore}"
    backups = list_backups(location.database, location.state_dir / "backups")
    if not backups:
        return None
    copy = shlex.join(["cp", str(backups[-1].path), str(location.database)])
    return "; ".join([*moves, copy, restore])
