"""Access to what an agent closed to everybody: git keeps no such modes, and its work is to be kept."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def open_folder(folder: Path) -> None:
    """Make a folder readable and writable for its owner, if we may."""
    _allow(folder, os.R_OK | os.W_OK | os.X_OK, 0o700)


def open_file(file: Path) -> None:
    """Make a file readable for its owner, if it is one and no link, and if we may."""
    if not file.is_symlink() and file.is_file():
        _allow(file, os.R_OK, 0o400)


def _allow(path: Path, wanted: int, bits: int) -> None:
    if not os.access(path, wanted):
        with suppress(OSError):
            path.chmod(path.stat().st_mode | bits)
