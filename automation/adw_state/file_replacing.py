"""A file is replaced as a whole: whoever reads it, and a crash, meet the old content or the new one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def replace_file(path: Path, text: str, *, on_disk: bool = False) -> None:
    """Put `text`, in UTF-8, into the file at `path`, whether there is one or not.

    A symbolic link stays, and the file that it names is replaced; a replaced file keeps its mode. With
    `on_disk` the new content survives a power loss once this has returned. Raises `OSError`; then whatever
    was there is untouched, and nothing is left beside it.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(text)
            if on_disk:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if on_disk:
        _keep_the_name(target.parent)


def _mode_of(target: Path) -> int | None:
    """The mode of a file that is there; None where none is. Raises `OSError` for what is no file."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    return stat.S_IMODE(found.st_mode)


def _keep_the_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
