"""A report as a file: the whole of it, or what was there before."""

from __future__ import annotations

from pathlib import Path

from adws.adw_modules.errors import InvalidInputError
from adws.adw_modules.file_replacing import replace_file


def write_report(text: str, path: Path) -> None:
    """Put `text` into the file at `path`, replacing what is there. Raises `InvalidInputError`."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise InvalidInputError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="name a file in a folder that exists and may be written to",
        ) from error
