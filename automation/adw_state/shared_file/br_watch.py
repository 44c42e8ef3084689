"""Keeping out of a tracker's file that br has been at since our tables came into it.

Newer versions of br write `beads.db` with an engine of their own: what stock SQLite commits there can be
lost, and a connection that is merely open can cost br's own writes. So the marks of br are looked for
whenever the file is opened and before every write, and where there is one nothing is written any more.
The database calls us when its folder has changed, and in every write to read the file's stamp.
"""

from __future__ import annotations

import os
from pathlib import Path

from adw_state.errors import TrackerChangedError
from adw_state.store import sql
from adw_state.store.transaction import Transaction
from adw_state.trackers.br_marks import marks_in_folder, marks_in_shape


class BrWatch:
    """Watches one database file; only in a `.beads` folder can other files be marks of br."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._folder = str(database.parent) if database.parent.name == ".beads" else None
        self.beside_issues = False
        """Whether our tables lie in a tracker's file; a stamp in a sidecar means nothing."""

    def look_around(self) -> None:
        """Raise `TrackerChangedError` if the folder bears a mark of br."""
        if self._folder is None:
            return
        try:
            marks = marks_in_folder(os.listdir(self._folder))  # noqa: PTH208 - names are all that is needed
        except OSError:
            return  # a folder that cannot be listed is for the opening to complain of
        if marks:
            raise self._refusal(marks[0])

    def look_within(self, tx: Transaction) -> None:
        """Raise `TrackerChangedError` if the tracker's file bears br's stamp."""
        if not self.beside_issues:
            return
        version = tx.all(sql.load("opening")["stamp"])[0]["user_version"]
        if version:
            raise self._refusal(marks_in_shape((), version)[0])

    def _refusal(self, mark: str) -> TrackerChangedError:
        return TrackerChangedError(
            f"br has been at {self._database}, so nothing more is written there: {mark}",
            hint="the rows are still in it; `adw migrate move` takes them along to the sidecar",
        )
