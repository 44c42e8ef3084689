"""Whether SQLite's logs lie with their databases and belong to the same user."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from adw_state.doctor.files import entries, owner_of
from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage

_LOG = re.compile(r"(?P<database>.+)-(wal|journal)")


def _look(project: Project) -> Iterator[Finding]:
    location, owner = project.location, owner_of(project.path)
    others = [path for path in _side_files(project.path) if owner_of(path) != owner]
    for path in others:
        yield Finding(
            "warning",
            f"{path} belongs to user {owner_of(path)}, the database to user {owner}.",
            "Whoever may not write the log cannot use the database: bd, or we, are locked out. A container"
            " that runs as root leaves such files.",
            fix=shlex.join(["sudo", "chown", str(owner), str(path)]),
        )
    folders = {folder for folder in (location.state_dir, location.beads_dir, project.path.parent) if folder}
    alone = [log for folder in folders for log in _without_database(folder)]
    for log in alone:
        what = f"{log} is a log without its database."
        yield Finding("warning", what, fix=shlex.join(["mv", str(log), f"{log}.kept"]))
    if not (others or alone):
        yield Finding("ok", "Every log lies with its database and belongs to its owner.")


def _side_files(database: Path) -> list[Path]:
    sides = (Path(f"{database}{suffix}") for suffix in ("-wal", "-shm", "-journal"))
    return [side for side in sides if owner_of(side) is not None]


def _without_database(folder: Path) -> Iterator[Path]:
    for path in entries(folder):
        match = _LOG.fullmatch(path.name)
        if match and not (folder / match["database"]).exists() and path.stat().st_size > 0:
            yield path


CHECK = Check(
    "logs",
    Stage.FILES,
    _look,
    why="It may hold committed rows that are nowhere else. SQLite deletes it as soon as a new database is"
    " made under that name. Put the database back beside it, or keep both together elsewhere.",
)
