"""A copy of a SQLite file of one's own, with its log, in a temporary folder.

What is only in the write-ahead log is part of a database, and a program that opens the original would
take part in it: make side files, move the log's content, delete the log. So the original is read as
plain files, and everything else happens to the copy. Do not use it for the file one has open: closing a
plain descriptor drops this process's locks on it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adw_state.errors import DatabaseUnreadableError, DiskFullError, StoreBusyError
from adw_state.temporary_files import temporary_folder

SCRATCH_PREFIX = "adw-copy-"
_LOGS = ("-wal", "-journal")
_TRIES = 3


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A private temporary folder that names its process, so that a leftover can be told from one in use."""
    with temporary_folder(f"{SCRATCH_PREFIX}{os.getpid()}-") as folder:
        yield folder


def copy_privately(database: Path, folder: Path) -> Path:
    """Copy a database that nobody has open here, with its log, into `folder`; the copy's path.

    Raises:
        StoreBusyError: somebody keeps writing to it.
        DatabaseUnreadableError: it may not be read.
        DiskFullError: the folder has no room for it.
    """
    for _ in range(_TRIES):
        before = _fingerprint(database)
        copy = _copy(database, folder)
        if _fingerprint(database) == before:
            return copy
    raise StoreBusyError(
        f"{database} changes while it is being copied",
        hint="stop what writes to it (the tracker's daemon?), then try again",
    )


def _copy(database: Path, folder: Path) -> Path:
    try:
        for suffix in ("", *_LOGS):
            source = Path(f"{database}{suffix}")
            target = folder / source.name
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"there is no room in {folder.parent} for a copy of {database}",
                hint="free some space there, or set TMPDIR to a folder on another disk",
            ) from error
        raise DatabaseUnreadableError(
            f"{error.filename or database} cannot be read: {error.strerror}",
            hint="check who owns that file, and its permissions",
        ) from error
    return folder / database.name


def _fingerprint(database: Path) -> list[tuple[int, int] | None]:
    """What changes when somebody writes: size and time of the file and its logs."""
    found: list[tuple[int, int] | None] = []
    for suffix in ("", *_LOGS):
        path = Path(f"{database}{suffix}")
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_size, status.st_mtime_ns))
    return found
