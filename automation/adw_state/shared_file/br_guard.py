"""Keeping out of a tracker's file that br has been at since our tables came into it.

Newer versions of br write `beads.db` with an engine of their own: what stock SQLite commits there can be
lost, and a connection that is merely open can cost br's own writes. So the marks of br are looked for
whenever the file is opened or its folder has changed, and its stamp in every write.
"""

from __future__ import annotations

import os
from pathlib import Path

from adw_state.engine.transaction import Transaction
from adw_state.errors import TrackerChangedError
from adw_state.store import sql
from adw_state.trackers.br import marks_in_folder, marks_in_shape


def require_no_mark(database: Path) -> None:
    """Raise `TrackerChangedError` if the database's folder holds a mark of br."""
    if database.parent.name != ".beads":  # only there can other files be marks of br
        return
    try:
        marks = marks_in_folder(os.listdir(database.parent))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return  # a folder that cannot be listed is for the opening to complain of
    if marks:
        raise _refusal(database, marks[0])


def require_no_stamp(tx: Transaction, database: Path) -> None:
    """Raise `TrackerChangedError` if the tracker's file has br's stamp."""
    version = tx.all(sql.load("reconciliation")["stamp"])[0]["user_version"]
    if version:
        raise _refusal(database, marks_in_shape((), version)[0])


def _refusal(database: Path, mark: str) -> TrackerChangedError:
    return TrackerChangedError(
        f"br has been at {database}, so nothing more is written there: {mark}",
        hint="the rows are still in it; `adw migrate move` takes them along to the sidecar",
    )
