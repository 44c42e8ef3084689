"""Keeping out of a tracker's file that br has been at since our tables came into it.

Newer versions of br write `beads.db` with an engine of their own: what stock SQLite commits there can be
lost, and a connection that is merely open can cost br's own writes. So the marks of br are looked for
whenever the file is opened and before every write, and where there is one nothing is written any more.
A look costs a few microseconds: the folder is listed again only after something in it changed, and the
file's stamp is read inside the write's own transaction.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from adws.adw_modules.beads.br_marks import marks_in_folder, marks_in_shape
from adws.adw_modules.errors import TrackerChangedError
from adws.adw_modules.store import sql
from adws.adw_modules.store.database import Transaction

# A file made within one tick of the filesystem's clock after the last look would not show in the
# folder's time; the coarsest clocks tick every two seconds.
_TICK_NANOSECONDS = 2_000_000_000


class BrWatch:
    """Watches one database file; only in a `.beads` folder can other files be marks of br."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._folder = str(database.parent) if database.parent.name == ".beads" else None
        self._unchanged_since: int | None = None

    def look(self) -> None:
        """Look at the folder, to be called before SQLite touches the file.

        Raises `TrackerChangedError`. A folder that cannot be listed is for the opening to complain of.
        """
        if self._folder is None:
            return
        try:
            changed = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 - before every write, and twice as fast
            if changed == self._unchanged_since:
                return
            marks = marks_in_folder(os.listdir(self._folder))  # noqa: PTH208 - names are all that is needed
        except OSError:
            return
        if marks:
            raise self._refusal(marks[0])
        is_past = time.time_ns() - changed > _TICK_NANOSECONDS
        self._unchanged_since = changed if is_past else None

    def look_within(self, tx: Transaction) -> None:
        """Look at the stamp that the file bears in this transaction. Raises `TrackerChangedError`."""
        version = tx.all(sql.load("opening")["stamp"])[0]["user_version"]
        if version:
            raise self._refusal(marks_in_shape((), version)[0])

    def _refusal(self, mark: str) -> TrackerChangedError:
        return TrackerChangedError(
            f"br has been at {self._database}, so nothing more is written there: {mark}",
            hint="the rows are still in it; `adw migrate --move` takes them along to a file of our own",
        )
