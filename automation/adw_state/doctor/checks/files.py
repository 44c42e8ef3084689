"""Files and folders: logs away from their databases, what others may read, what killed processes left."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw_state.doctor.project import Project
from adw_state.engine.sqlite.private_copy import SCRATCH_PREFIX
from adw_state.errors import DatabaseReadOnlyError
from adw_state.run_root import agents_folder
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store.owner import host_name, process_mark
from adw_state.temporary_files import folder_of_temporary_files

_LOG = re.compile(r"(?P<database>.+)-(wal|journal)")


def _logs(project: Project) -> Iterator[Finding]:
    location, owner = project.location, _owner_of(project.path)
    others = [path for path in _side_files(project.path) if _owner_of(path) != owner]
    for path in others:
        yield Finding(
            "warning",
            f"{path} belongs to user {_owner_of(path)}, the database to user {owner}.",
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
    return [side for side in sides if _owner_of(side) is not None]


def _without_database(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        match = _LOG.fullmatch(path.name)
        if match and not (folder / match["database"]).exists() and path.stat().st_size > 0:
            yield path


@dataclass(frozen=True, slots=True)
class _Loose:
    """A file or folder that others than its owner may use, and the mode that it should have."""

    path: Path
    mode: int
    wanted: int

    @property
    def writable_by_others(self) -> bool:
        return bool(self.mode & 0o022)


def _permissions(project: Project) -> Iterator[Finding]:
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


def _permissions_repaired(project: Project) -> Iterator[str]:
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
    files = [project.path, *(path for path in _entries(backups) if path.suffix == ".sqlite3")]
    wanted = [(path, 0o600) for path in files] + [(path, 0o700) for path in folders]
    seen = [_Loose(path, _mode_of(path), mode) for path, mode in wanted]
    return [one for one in seen if one.mode & 0o077]


# The names that unfinished files of ours bear hold the number of the process that writes them.
_UNFINISHED_BACKUP = re.compile(r"\..+\.(?P<pid>\d+)\.part")
_UNFINISHED_STATE = re.compile(r"\..+\.json\.(?P<pid>\d+)\.[0-9a-f]{8}")
_SCRATCH = re.compile(re.escape(SCRATCH_PREFIX) + r"(?P<pid>\d+)-.+")


def _leftovers(project: Project) -> Iterator[Finding]:
    found, lock = _unfinished(project), _stale_lock(project)
    if found:
        yield Finding(
            "note",
            f"{several(len(found), 'unfinished file')} of processes that are dead, first {found[0]}.",
            fix=project.command("adw doctor --fix"),
            fixable=True,
        )
    if lock is not None:
        yield Finding(
            "note",
            f"{lock} was left by a process that is dead.",
            "bd's daemon does not sync as long as it is there.",
            fix=shlex.join(["rm", str(lock)]),
        )
    if not found and lock is None:
        yield Finding("ok", "Nothing unfinished lies about.")


def _leftovers_repaired(project: Project) -> Iterator[str]:
    found = _unfinished(project)
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if found:
        yield f"Removed {several(len(found), 'unfinished file')} of dead processes."


def _unfinished(project: Project) -> list[Path]:
    """Unfinished files and scratch folders of ours whose process is dead."""
    runs = _entries(agents_folder(project.location.project))
    phases = [phase for run in runs for phase in _entries(run)]
    scratch = folder_of_temporary_files()
    return sorted(
        [
            *_left(project.location.state_dir / "backups", _UNFINISHED_BACKUP),
            *(_left(scratch, _SCRATCH) if scratch is not None else ()),
            *(path for folder in [*runs, *phases] for path in _left(folder, _UNFINISHED_STATE)),
        ]
    )


def _left(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    for path in _entries(folder):
        match = pattern.fullmatch(path.name)
        if match and _owner_of(path) == os.geteuid() and process_mark(int(match["pid"])) is None:
            yield path


def _stale_lock(project: Project) -> Path | None:
    if project.location.beads_dir is None:
        return None
    lock = project.location.beads_dir / ".exclusive-lock"
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    pid = holder.get("pid") if isinstance(holder, dict) else None
    if not isinstance(pid, int) or holder.get("hostname") != host_name():
        return None
    return lock if process_mark(pid) is None else None


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _mode_of(path: Path) -> int:
    """The permissions of a file; 0 where there is none that can be reached."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _owner_of(path: Path) -> int | None:
    """The user that a file belongs to."""
    try:
        return path.stat().st_uid
    except OSError:
        return None


CHECKS = (
    Check(
        "logs",
        Stage.FILES,
        _logs,
        why="It may hold committed rows that are nowhere else. SQLite deletes it as soon as a new database is"
        " made under that name. Put the database back beside it, or keep both together elsewhere.",
    ),
    Check(
        "permissions",
        Stage.FILES,
        _permissions,
        why="It holds what agents were told and answered. bd wants 0600 for its file, 0700 for its folder.",
        fix=_permissions_repaired,
    ),
    Check(
        "leftovers",
        Stage.SURROUNDINGS,
        _leftovers,
        why="They take room and are of no use.",
        fix=_leftovers_repaired,
    ),
)
