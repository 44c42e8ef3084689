"""The commands that bring the history back where the content of the database is damaged."""

from __future__ import annotations

import shlex

from adw_state.doctor.patient import Patient
from adw_state.store.backup import list_backups
from adw_state.trackers.bd_program import installed_bd
from adw_state.trackers.putting_away import commands_that_put_away


def way_back(patient: Patient) -> str | None:
    """Commands to be run one after the other; None where bd has to be installed first, or a backup found."""
    location = patient.location
    restore = "adw restore"
    if patient.named:
        restore = shlex.join(["adw", "restore", "--db", str(location.database)])
    moves = commands_that_put_away(location.database)
    if not location.beside_issues:
        return "; ".join([*moves, restore])
    if installed_bd(patient.environ):
        return f"bd doctor --fix; {restore}"
    backups = list_backups(location.database, location.state_dir / "backups")
    if not backups:
        return None
    copy = shlex.join(["cp", str(backups[-1].path), str(location.database)])
    return "; ".join([*moves, copy, restore])
