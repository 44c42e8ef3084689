"""A file is replaced as a whole: whoever reads it, and a crash, meet the old content or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, text: str, *, on_disk: bool = False) -> None:
    """Put `text`, in UTF-8, into the file at `path`, whether there is one or not.

    With `on_disk` it survives a power loss once this has returned. Raises `OSError`; then whatever was
    there is untouched, and nothing is left beside it.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            if on_disk:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if on_disk:
        _keep_the_name(path.parent)


def _keep_the_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
