"""Where old history may lie: files that trackers put away, our own backups, and previous locations.

A previous location is a file that our tables lived in before the project changed its tracker or its folder.
Looking at names and nothing else; what a file holds is for `old_database`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw_state.trackers.locate import SIDECAR_NAME
from adw_state.trackers.tracker import Location

_SIDE_FILES = ("-wal", "-shm", "-journal")
# What bd calls the copy that it makes before it moves a project to Dolt.
_BEFORE_DOLT = ".backup-pre-dolt"


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file that may hold history. `what` names its kind, as a phrase; `is_previous_location` see above."""

    path: Path
    what: str
    is_previous_location: bool = False


def old_files(location: Location) -> list[OldFile]:
    """Every file but the present database in which history of this project may lie, each once."""
    seen = {_identity(location.database)}
    found = []
    for old in (*_of_tracker(location), *_of_ours(location)):
        identity = _identity(old.path)
        if identity is not None and identity not in seen:
            seen.add(identity)
            found.append(old)
    return found


def previous_locations(location: Location) -> list[OldFile]:
    """The files of this project that our tables may have lived in before they moved."""
    return [old for old in old_files(location) if old.is_previous_location]


def first_step(location: Location) -> str:
    """What to do where our tables are not there yet, in words."""
    behind = previous_locations(location)
    if not behind:
        return "run `adw init` once; it makes the tables"
    return (
        "run `adw init` once; it makes the tables"
        f" (`adw migrate move` does too, with the runs that {behind[0].path} may hold)"
    )


def _of_tracker(location: Location) -> Iterator[OldFile]:
    if location.tracker_database is not None:
        yield OldFile(location.tracker_database, "the tracker's file", is_previous_location=True)
    if location.beads_dir is None:
        return
    for path in _files(location.beads_dir):
        if ".db" in path.name and (old := _in_beads_dir(path)):
            yield old
    for path in _files(location.beads_dir / ".br_recovery"):
        yield OldFile(path, "put away by br")


def _in_beads_dir(path: Path) -> OldFile | None:
    """What a file in the tracker's folder is, by the names that trackers give."""
    name = path.name
    if name.endswith(".db.migrated") or _BEFORE_DOLT in name:
        return OldFile(path, "put away by bd when it moved to Dolt", is_previous_location=True)
    if ".corrupt" in name:
        return OldFile(path, "put away by bd as damaged")
    if ".backup" in name:
        return OldFile(path, "a backup of bd's")
    if name.endswith(".db"):
        return OldFile(path, "a former file of the tracker", is_previous_location=True)
    return None


def _of_ours(location: Location) -> Iterator[OldFile]:
    homes = [location.state_dir, location.project / ".adw"]
    if location.beads_dir is not None:
        homes.append(location.beads_dir.parent / ".adw")
    for home in homes:
        for path in _files(home):
            if path.name == SIDECAR_NAME:
                yield OldFile(path, "the sidecar", is_previous_location=True)
            elif path.name.startswith(SIDECAR_NAME):
                yield OldFile(path, "a sidecar that was put away")
        for path in _files(home / "backups"):
            if path.suffix == ".sqlite3":
                yield OldFile(path, "a backup of ours")


def _files(folder: Path) -> list[Path]:
    """The plain files in a folder that are not side files of SQLite's, by name; none without a folder."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in entries if path.is_file() and not path.name.endswith(_SIDE_FILES)]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()  # follows links: a file with two names counts once
    except OSError:
        return None
    return found.st_dev, found.st_ino
