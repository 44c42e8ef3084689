"""Reading every log and state below two folders into one history per run.

    <log root>/<project>/<environment>/<run>/<workflow>/execution.log
    <agents root>/<run>/<workflow>/execution.log      <agents root>/<run>/adw_state.json

A run is named by the id that its log announces, else by its folder. Several processes may write one
file, one file may hold several runs, and one run may lie in several files; files are read in the order
of their first records. Of files with the same bytes one is read. Where a run has no log its state is
all there is; where it has one, the state only adds what the log leaves open.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adw_state import built_in
from adw_state.log_forms import ANNOUNCEMENT, UNKNOWN
from adw_state.reports.json_states import STATE_NAMES, read_state
from adw_state.reports.log_records import first_moment, read_records
from adw_state.reports.notes import Notebook
from adw_state.reports.run_history import RunHistory

_UNREADABLE = "logs that cannot be read"
_LOG_NAME = "execution.log"
_LATE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunFolders:
    """Where the files of a project's runs lie. `zone` is where the logs' clock stood; None is here."""

    log_root: Path
    agents_root: Path | None
    zone: tzinfo | None = None


def read_runs(folders: RunFolders, notebook: Notebook) -> list[RunHistory]:
    """Every run that left a log or a state, in no particular order."""
    roots = [root for root in (folders.log_root, folders.agents_root) if root is not None]
    if not any(root.is_dir() for root in roots):
        notebook.add("log folders that do not exist", folders.log_root)
    runs: dict[str, RunHistory] = {}
    for path in _find_logs(roots, folders.zone, notebook):
        try:
            _read_log(path, folders, runs, notebook)
        except OSError as error:
            notebook.add(_UNREADABLE, f"{path}: {error.strerror}")
    for path in _find_states(roots, folders.agents_root):
        state = read_state(path, folders.zone, notebook)
        if state is not None:
            runs.setdefault(state.run_id, RunHistory(state.run_id)).add_state(state)
    _complete_phases(runs.values())
    for run in runs.values():
        run.settle()
    return list(runs.values())


def _read_log(path: Path, folders: RunFolders, runs: dict[str, RunHistory], notebook: Notebook) -> None:
    environment = _environment(path, folders.log_root)
    run_id = path.parent.parent.name
    for record in read_records(path, folders.zone, notebook):
        line = record.message.partition("\n")[0]
        if line.startswith(ANNOUNCEMENT):
            run_id = line.removeprefix(ANNOUNCEMENT).strip() or run_id
        run = runs.setdefault(run_id, RunHistory(run_id))
        run.environment = run.environment or environment
        run.workflow = path.parent.name if run.workflow == UNKNOWN else run.workflow
        run.read(record, notebook)


def _environment(path: Path, log_root: Path) -> str | None:
    """The environment that the path names, where it has the shape that says so."""
    inside = path.relative_to(log_root).parts if path.is_relative_to(log_root) else ()
    return path.parts[-4] if len(inside) == 5 or path.parts[-6:-5] == ("logs",) else None


def _complete_phases(runs: Iterable[RunHistory]) -> None:
    """Give each run that names no list of phases the one of its workflow, as far as it can be seen.

    It is the built-in one where no run of that name was in a phase beyond it; else the phases that runs of
    the workflow were in, in the order in which they first appear.
    """
    met: dict[str, dict[str, None]] = {}
    silent = [run for run in runs if not run.phases]
    for run in sorted(silent, key=lambda run: (run.started_at or _LATE, run.run_id)):
        met.setdefault(run.workflow, {}).update(dict.fromkeys(run.phases_met()))
    if met.get(built_in.WORKFLOW, {}).keys() <= set(built_in.PHASES):
        met[built_in.WORKFLOW] = dict.fromkeys(built_in.PHASES)
    for run in silent:
        run.phases = tuple(met[run.workflow])


def _find_states(roots: Iterable[Path], agents_root: Path | None) -> list[Path]:
    """The state of every run's folder. Other tools, too, call a file state.json: only below agents_root."""
    return [
        path
        for path in _files(roots, STATE_NAMES)
        if path.name == STATE_NAMES[0] or path.parent.parent == agents_root
    ]


def _find_logs(roots: Iterable[Path], zone: tzinfo | None, notebook: Notebook) -> list[Path]:
    """Every log that can be read, in the order of their first records; of equal ones the first."""
    found = [log for path in _files(roots, (_LOG_NAME,)) if (log := _look_at(path, zone, notebook))]
    sizes = Counter(size for _, _, size in found)
    kept: dict[str, Path] = {}
    for _, path, size in sorted(found):
        # Only files of one size can be equal, so the others need no second reading.
        digest = _digest(path) if sizes[size] > 1 else str(path)
        if digest in kept:
            notebook.add("duplicate logs", path)
        kept.setdefault(digest, path)
    return list(kept.values())


def _files(roots: Iterable[Path], names: tuple[str, ...]) -> list[Path]:
    """The files of these names below the roots, each once, in the order of their paths."""
    found = {
        path
        for root in roots
        for folder, _, inside in os.walk(root)
        for name in names
        if name in inside and (path := Path(folder, name)).is_file()
    }
    return sorted(found)


def _look_at(path: Path, zone: tzinfo | None, notebook: Notebook) -> tuple[datetime, Path, int] | None:
    """When a log begins, and its path and size in bytes."""
    try:
        moment, size = first_moment(path, zone), path.stat().st_size
    except OSError as error:
        notebook.add(_UNREADABLE, f"{path}: {error.strerror}")
        return None
    if moment is None:
        notebook.add("logs without a record", path)
    return moment or _LATE, path, size


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # gone since; whoever reads it will say so
        return str(path)
