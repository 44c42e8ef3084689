"""The files around the database: permissions, owners, logs without a database, what a killed process left."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw_state.doctor.findings import Finding, several, well
from adw_state.doctor.patient import Patient
from adw_state.run_root import agents_folder
from adw_state.store.owner import host_name, process_mark
from adw_state.store.private_copy import SCRATCH_PREFIX
from adw_state.temporary_files import folder_of_temporary_files

_LOG = re.compile(r"(?P<database>.+)-(wal|journal)")
# The names that unfinished files of ours bear hold the number of the process that writes them.
_UNFINISHED_BACKUP = re.compile(r"\..+\.(?P<pid>\d+)\.part")
_UNFINISHED_STATE = re.compile(r"\..+\.json\.(?P<pid>\d+)\.[0-9a-f]{8}")
_SCRATCH = re.compile(re.escape(SCRATCH_PREFIX) + r"(?P<pid>\d+)-.+")


@dataclass(frozen=True, slots=True)
class Loose:
    """A file or folder that others than its owner may use, and the mode that it should have."""

    path: Path
    mode: int
    wanted: int

    @property
    def writable_by_others(self) -> bool:
        """Whether somebody else may change it."""
        return bool(self.mode & 0o022)


def loose_permissions(patient: Patient) -> list[Loose]:
    """What is open to others: the database and its folder, the tracker's too, and our backups."""
    location = patient.location
    backups = location.state_dir / "backups"
    files = [location.database, *(path for path in _entries(backups) if path.suffix == ".sqlite3")]
    folders = [location.database.parent, backups]
    wanted = [(path, 0o600) for path in files] + [(path, 0o700) for path in folders]
    loose = []
    for path, mode in wanted:
        seen = _mode(path)
        if seen & 0o077:
            loose.append(Loose(path, seen, mode))
    return loose


def check_permissions(patient: Patient) -> Iterator[Finding]:
    """Whether others than the owner may read or change the history."""
    loose = loose_permissions(patient)
    for one in loose:
        # bd itself makes its file readable for everybody and asks for less; that is no emergency.
        mild = patient.location.beside_issues and not one.writable_by_others
        what = "change" if one.writable_by_others else "read"
        yield Finding(
            "permissions",
            "note" if mild else "warning",
            f"Others may {what} {one.path} (mode {one.mode:04o}).",
            "It holds what agents were told and answered. bd wants 0600 for its file, 0700 for its folder.",
            shlex.join(["chmod", f"{one.wanted:04o}", str(one.path)]),
            fixable=one.path.stat().st_uid == os.geteuid(),
        )
    if not loose:
        yield well("permissions", "nobody else may read or change the history")


def check_logs(patient: Patient) -> Iterator[Finding]:
    """Whether the log belongs to somebody else, or a log lies there without its database."""
    database = patient.location.database
    strangers = [path for path in _side_files(database) if _owner(path) != _owner(database)]
    for path in strangers:
        yield Finding(
            "logs",
            "warning",
            f"{path} belongs to user {_owner(path)}, the database to user {_owner(database)}.",
            "Whoever may not write the log cannot use the database: bd, or we, are locked out. A container"
            " that runs as root leaves such files.",
            shlex.join(["sudo", "chown", str(_owner(database)), str(path)]),
        )
    lonely = [log for folder in _folders(patient) for log in _lonely_logs(folder)]
    for log in lonely:
        yield Finding(
            "logs",
            "warning",
            f"{log} is a log without its database.",
            "It may hold committed rows that are nowhere else. SQLite deletes it as soon as a new database is"
            " made under that name. Put the database back beside it, or keep both together elsewhere.",
            shlex.join(["mv", str(log), f"{log}.kept"]),
        )
    if not (strangers or lonely):
        yield well("logs", "every log lies with its database and belongs to its owner")


def leftovers(patient: Patient) -> list[Path]:
    """Unfinished files and scratch folders of ours whose process is dead."""
    backups = patient.location.state_dir / "backups"
    agents = agents_folder(patient.location.project)
    scratch = folder_of_temporary_files()
    found = [
        *_left(backups, _UNFINISHED_BACKUP),
        *(_left(scratch, _SCRATCH) if scratch is not None else ()),
        *(path for run in _entries(agents) for path in _left(run, _UNFINISHED_STATE)),
        *(
            path
            for run in _entries(agents)
            for phase in _entries(run)
            for path in _left(phase, _UNFINISHED_STATE)
        ),
    ]
    return sorted(found)


def check_leftovers(patient: Patient) -> Iterator[Finding]:
    """What killed processes left behind: unfinished files of ours, and the lock that stops bd's daemon."""
    found = leftovers(patient)
    if found:
        yield Finding(
            "leftovers",
            "note",
            f"{several(len(found), 'unfinished file')} of processes that are dead, first {found[0]}.",
            "They take room and are of no use.",
            "adw doctor --fix",
            fixable=True,
        )
    lock = _stale_lock(patient)
    if lock is not None:
        yield Finding(
            "leftovers",
            "note",
            f"{lock} was left by a process that is dead.",
            "bd's daemon does not sync as long as it is there.",
            shlex.join(["rm", str(lock)]),
        )
    if not found and lock is None:
        yield well("leftovers", "nothing unfinished lies about")


def _stale_lock(patient: Patient) -> Path | None:
    if patient.location.beads_dir is None:
        return None
    lock = patient.location.beads_dir / ".exclusive-lock"
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    pid = holder.get("pid") if isinstance(holder, dict) else None
    if not isinstance(pid, int) or holder.get("hostname") != host_name():
        return None
    return lock if process_mark(pid) is None else None


def _folders(patient: Patient) -> list[Path]:
    location = patient.location
    return [folder for folder in {location.state_dir, location.beads_dir, location.database.parent} if folder]


def _side_files(database: Path) -> list[Path]:
    sides = (Path(f"{database}{suffix}") for suffix in ("-wal", "-shm", "-journal"))
    return [side for side in sides if _owner(side) is not None]


def _lonely_logs(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        match = _LOG.fullmatch(path.name)
        if match and not (folder / match["database"]).exists() and path.stat().st_size > 0:
            yield path


def _left(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    for path in _entries(folder):
        match = pattern.fullmatch(path.name)
        if match and _owner(path) == os.geteuid() and process_mark(int(match["pid"])) is None:
            yield path


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _mode(path: Path) -> int:
    """The permissions of a file; 0 where there is none that can be reached."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None
