"""What can be said of files and folders without opening them; of what cannot be reached, nothing."""

from __future__ import annotations

import stat
from pathlib import Path


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def mode_of(path: Path) -> int:
    """The permissions of a file; 0 where there is none that can be reached."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def owner_of(path: Path) -> int | None:
    """The user that a file belongs to."""
    try:
        return path.stat().st_uid
    except OSError:
        return None
