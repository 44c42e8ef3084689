"""Temporary files and folders, and one error for a machine that has no room for any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from adw_state.errors import DiskFullError

# `tempfile` is slow to import, and most commands need none of it.


def temporary_file() -> IO[bytes]:
    """A file without a name, to be written and read; in memory where the system can, so no disk is needed.

    Raises `DiskFullError` where no temporary folder can be written.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("adw"), "w+b")
    import tempfile

    with _needing_room():
        return tempfile.TemporaryFile()


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder of this process's own, which is removed at the end of the block.

    Raises `DiskFullError` where no temporary folder can be written.
    """
    import tempfile

    with _needing_room():
        made = tempfile.TemporaryDirectory(prefix=prefix)
    with made as folder:
        yield Path(folder)


def new_temporary_folder(prefix: str, parent: Path | None) -> Path:
    """A new folder below `parent`, or below the temporary folder, which stays.

    Raises `DiskFullError` where no temporary folder can be written, and `OSError` for a `parent`.
    """
    import tempfile

    if parent is not None:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with _needing_room():
        return Path(tempfile.mkdtemp(prefix=prefix))


def folder_of_temporary_files() -> Path | None:
    """Where temporary files lie on this machine; None where no such folder can be written."""
    import tempfile

    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


@contextmanager
def _needing_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFullError(
            f"temporary files cannot be written: {error.strerror}",
            hint="free some disk space, or set TMPDIR to a folder that can be written",
        ) from error
