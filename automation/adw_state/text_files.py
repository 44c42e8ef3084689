"""Text files: how one is read that people or other programs write, and how one of ours is written.

What is read is UTF-8, with or without a byte order mark, any line ends. What is written replaces the file as
a whole: whoever reads it, and a crash, meet the old content or the new one.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adw_state.errors import StateFileError

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


def storable(text: str) -> str:
    """`text` without what no database takes: NUL, and halves of surrogate pairs. JSON can spell both."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def path_text(path: Path) -> str:
    """The path as a text that every store and reader takes; bytes that are not UTF-8 show as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


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


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """While a file or folder of a run is written: raise `StateFileError` where the system refuses."""
    try:
        yield
    except OSError as error:
        raise StateFileError(
            f"{path_text(path)} cannot be written: {error.strerror}",
            hint="check the permissions and the free disk space",
        ) from error
