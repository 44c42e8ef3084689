"""Text that people and other programs write: UTF-8, with or without a byte order mark, any line ends."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32-LE begins as UTF-16


def decode_text(content: bytes, errors: str = "strict") -> str:
    """The text in `content`, with line feeds as its line ends and without a byte order mark.

    `errors` is what to do with bytes that are not UTF-8, as in `bytes.decode`. Raises `ValueError`, which
    says why in words, for another encoding.
    """
    if content.startswith(_OTHER_MARKS):
        raise ValueError("it is in UTF-16 or UTF-32 (PowerShell writes such files); save it as UTF-8")
    try:
        text = content.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_small_file(path: Path, most_bytes: int) -> bytes:
    """The content of a file that a person wrote.

    Raises `ValueError`, which says why in words, for what is no file (a pipe would be waited for, a device
    has no end) and for one of more than `most_bytes`; `OSError` where it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    return content


def path_text(path: Path) -> str:
    """The path as a text that every store and reader takes; bytes that are not UTF-8 show as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
