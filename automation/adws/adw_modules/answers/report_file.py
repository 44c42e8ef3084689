"""A report as a file: the whole of it, or what was there before."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from adws.adw_modules.errors import InvalidInputError


def write_report(text: str, path: Path) -> None:
    """Put `text` into the file at `path`, replacing what is there. Raises `InvalidInputError`."""
    try:
        _replace(text, path)
    except OSError as error:
        raise InvalidInputError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="name a file in a folder that exists and may be written to",
        ) from error


def _replace(text: str, path: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
