"""What lies around an open database: are file, log and folder still those that were opened?

A commit into a file that was moved away, or into a write-ahead log that another program removed (bd
migrate does), is seen by nobody. So they are looked at before every use. Whatever happens to them shows
in the time of their folder: as long as that rests, one `stat` is the whole look.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from adw_state.errors import DatabaseReplacedError

# What happened within one tick of the filesystem's clock after the last look would not show in the
# folder's time. The coarsest clocks tick every two seconds; one that tells parts of a second ticks with
# the kernel's, a hundred times a second at least.
_SECOND = 1_000_000_000
_COARSE_TICK = 2 * _SECOND
_FINE_TICK = _SECOND // 20

_Identity = tuple[int, int]
_FolderState = tuple[int, int, int]  # time of change in nanoseconds, device, inode


class Surroundings:
    """The surroundings of one database, from its opening until `forget`."""

    def __init__(self, database: Path, look_around: Callable[[], None]) -> None:
        self._database = str(database)
        self._log = f"{database}-wal"
        self._folder = str(database.parent)
        self._look_around = look_around
        self.forget()

    def forget(self) -> None:
        """Nothing is open any more: take whatever is there next."""
        self._known_file: _Identity | None = None
        self.forget_log()

    def forget_log(self) -> None:
        """The last connection was closed, and took the log away."""
        self._known_log: _Identity | None = None
        self._at_rest: _FolderState | None = None

    def look_before_opening(self) -> None:
        """Look at all but the log, which belongs to those who have the file open.

        Raises `DatabaseReplacedError`, and whatever `look_around` raises.
        """
        self._look_around()
        self._require_same_file()

    def look(self) -> None:
        """Look at everything, while a connection is open. Raises as above."""
        try:
            found = os.stat(self._folder)  # noqa: PTH116 - twice as fast as Path.stat, and before every use
        except OSError:
            folder = None
        else:
            folder = found.st_mtime_ns, found.st_dev, found.st_ino
        if folder is None or folder != self._at_rest:
            self._look_closely(folder)

    def log_is_gone(self) -> bool:
        """Whether the log that the open connections use is not there any more."""
        return self._known_log is not None and _identity_of(self._log) != self._known_log

    def _look_closely(self, folder: _FolderState | None) -> None:
        self.look_before_opening()
        self._require_same_log()
        self._at_rest = folder if folder is not None and _is_past(folder[0]) else None

    def _require_same_file(self) -> None:
        identity = _identity_of(self._database)
        if self._known_file is None:
            self._known_file = identity
        elif identity != self._known_file:
            raise DatabaseReplacedError(
                f"{self._database} was replaced by another file while this process had it open",
                hint="run the command again; `adw doctor` tells what happened to the rows",
            )

    def _require_same_log(self) -> None:
        # While a connection is open, nothing but another program takes its write-ahead log away.
        if self._known_log is None:
            self._known_log = _identity_of(self._log)
        elif self.log_is_gone():
            raise DatabaseReplacedError(
                f"the write-ahead log of {self._database} was removed while this process had it open",
                hint="run the command again; `adw doctor` tells what happened to the rows",
            )


def _is_past(changed: int) -> bool:
    """Whether a change from now on would show in another time than this one, in nanoseconds."""
    tick = _FINE_TICK if changed % _SECOND else _COARSE_TICK
    return time.time_ns() - changed > tick


def _identity_of(name: str) -> _Identity | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - as above
    except OSError:
        return None  # opening it tells what is wrong
    return found.st_dev, found.st_ino
