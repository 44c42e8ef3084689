"""Whether others than the owner may read or change the history."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw_state.doctor.files import entries, mode_of
from adw_state.doctor.project import Project
from adw_state.errors import DatabaseReadOnlyError
from adw_state.schema.check import Check, Finding, Stage


@dataclass(frozen=True, slots=True)
class _Loose:
    """A file or folder that others than its owner may use, and the mode that it should have."""

    path: Path
    mode: int
    wanted: int

    @property
    def writable_by_others(self) -> bool:
        return bool(self.mode & 0o022)


def _look(project: Project) -> Iterator[Finding]:
    loose = _loose(project)
    for one in loose:
        # bd itself makes its file readable for everybody and asks for less; that is no emergency.
        mild = project.location.is_shared_file and not one.writable_by_others
        may = "change" if one.writable_by_others else "read"
        yield Finding(
            "note" if mild else "warning",
            f"Others may {may} {one.path} (mode {one.mode:04o}).",
            fix=shlex.join(["chmod", f"{one.wanted:04o}", str(one.path)]),
            fixable=one.path.stat().st_uid == os.geteuid(),
        )
    if not loose:
        yield Finding("ok", "Nobody else may read or change the history.")


def _fix(project: Project) -> Iterator[str]:
    for one in _loose(project):
        try:
            one.path.chmod(one.wanted)
        except OSError as error:
            raise DatabaseReadOnlyError(
                f"the mode of {one.path} cannot be changed: {error.strerror}", hint="let its owner do it"
            ) from error
        yield f"Changed {one.path} from mode {one.mode:04o} to {one.wanted:04o}."


def _loose(project: Project) -> list[_Loose]:
    """What is open to others: the database, the folder that is there for it, and our backups."""
    location, folder = project.location, project.path.parent
    backups = location.state_dir / "backups"
    folders = [backups, *([folder] if folder in (location.beads_dir, location.state_dir) else [])]
    files = [project.path, *(path for path in entries(backups) if path.suffix == ".sqlite3")]
    wanted = [(path, 0o600) for path in files] + [(path, 0o700) for path in folders]
    seen = [_Loose(path, mode_of(path), mode) for path, mode in wanted]
    return [one for one in seen if one.mode & 0o077]


CHECK = Check(
    "permissions",
    Stage.FILES,
    _look,
    why="It holds what agents were told and answered. bd wants 0600 for its file, 0700 for its folder.",
    fix=_fix,
)
