"""A report as a file: the whole of it, or what was there before.

What cannot be replaced without harm is written to, as the shell's `>` does: devices, pipes, what standard
output is, a file of several names, of another owner, or in a folder that may not be changed.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from adw_state.errors import InvalidInputError, refused_by_the_system
from adw_state.text_files import replace_file

_STANDARD_OUTPUT_AND_ERROR = (1, 2)
_FAULTS_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def write_report(text: str, path: Path) -> None:
    """Put `text` into the file at `path`, instead of what is there.

    Raises `InvalidInputError` for a path that cannot be written, `SystemRefusalError` where the disk fails.
    """
    try:
        _write(text, path)
    except BrokenPipeError:
        return  # the reader of a pipe has seen enough
    except OSError as error:
        if error.errno in _FAULTS_OF_THE_DISK:
            raise refused_by_the_system(OSError(error.errno, error.strerror, str(path))) from error
        raise InvalidInputError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="name a file in a folder that exists and may be written to",
        ) from error


def _write(text: str, path: Path) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        replace_file(path, text)
        return
    descriptor = _standard_stream(found)
    if descriptor is not None:
        # Opened by its name, a file would be written from its beginning, over what it has.
        _write_to(os.dup(descriptor), text)
    elif _may_be_replaced(path, found):
        replace_file(path, text)
    else:
        _write_to(os.open(path, os.O_WRONLY | os.O_TRUNC), text)


def _standard_stream(found: os.stat_result) -> int | None:
    for descriptor in _STANDARD_OUTPUT_AND_ERROR:
        with suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):
                return descriptor
    return None


def _may_be_replaced(path: Path, found: os.stat_result) -> bool:
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_nlink == 1
        and found.st_uid == os.geteuid()
        and os.access(path, os.W_OK)  # a file that its owner has protected is not replaced behind his back
        and os.access(Path(os.path.realpath(path)).parent, os.W_OK)
    )


def _write_to(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
