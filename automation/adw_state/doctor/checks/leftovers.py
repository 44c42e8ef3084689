"""What killed processes left behind: unfinished files of ours, and the lock that stops bd's daemon."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from adw_state.doctor.files import entries, owner_of
from adw_state.doctor.project import Project
from adw_state.engine.sqlite.private_copy import SCRATCH_PREFIX
from adw_state.run_root import agents_folder
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store.owner import host_name, process_mark
from adw_state.temporary_files import folder_of_temporary_files

# The names that unfinished files of ours bear hold the number of the process that writes them.
_UNFINISHED_BACKUP = re.compile(r"\..+\.(?P<pid>\d+)\.part")
_UNFINISHED_STATE = re.compile(r"\..+\.json\.(?P<pid>\d+)\.[0-9a-f]{8}")
_SCRATCH = re.compile(re.escape(SCRATCH_PREFIX) + r"(?P<pid>\d+)-.+")


def _look(project: Project) -> Iterator[Finding]:
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


def _fix(project: Project) -> Iterator[str]:
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
    runs = entries(agents_folder(project.location.project))
    phases = [phase for run in runs for phase in entries(run)]
    scratch = folder_of_temporary_files()
    return sorted(
        [
            *_left(project.location.state_dir / "backups", _UNFINISHED_BACKUP),
            *(_left(scratch, _SCRATCH) if scratch is not None else ()),
            *(path for folder in [*runs, *phases] for path in _left(folder, _UNFINISHED_STATE)),
        ]
    )


def _left(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    for path in entries(folder):
        match = pattern.fullmatch(path.name)
        if match and owner_of(path) == os.geteuid() and process_mark(int(match["pid"])) is None:
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


CHECK = Check("leftovers", Stage.SURROUNDINGS, _look, why="They take room and are of no use.", fix=_fix)
