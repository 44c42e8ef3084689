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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adws.adw_modules.answers.json_states import STATE_NAMES, SavedState, read_state
from adws.adw_modules.answers.log_records import ANNOUNCEMENT, first_moment, read_records
from adws.adw_modules.answers.notes import Notebook
from adws.adw_modules.answers.run_history import UNKNOWN, RunHistory

_LOG_NAME = "execution.log"
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunFolders:
    """Where the files of a project's runs lie. `zone` is where the logs' clock stood; None is here."""

    log_root: Path
    agents_root: Path | None
    zone: tzinfo | None = None


def read_runs(folders: RunFolders, notebook: Notebook) -> list[RunHistory]:
    """Every run that left a log or a state, in no particular order."""
    runs: dict[str, RunHistory] = {}
    logs, states = _find(folders, notebook)
    for path in _each_once(_by_first_record(logs, folders.zone, notebook), notebook):
        _read_log(path, folders, runs, notebook)
    for path in states:
        state = read_state(path, folders.zone, notebook)
        if state is not None:
            _add_state(runs.setdefault(state.run_id, RunHistory(state.run_id)), state)
    for run in runs.values():
        _settle(run)
    return list(runs.values())


def _find(folders: RunFolders, notebook: Notebook) -> tuple[list[Path], list[Path]]:
    """Every log, and the state of every run's folder."""
    logs: list[Path] = []
    states: list[Path] = []
    roots = list(dict.fromkeys(filter(None, (folders.log_root, folders.agents_root))))
    if not any(root.is_dir() for root in roots):
        notebook.add("folders of logs that are not there", folders.log_root)
    for root in roots:
        for folder, _, names in os.walk(root):
            here = Path(folder)
            if _LOG_NAME in names and (here / _LOG_NAME).is_file():
                logs.append(here / _LOG_NAME)
            states += [
                here / name for name in STATE_NAMES if name in names and _is_state(here / name, folders)
            ]
    return sorted(logs), sorted(states)


def _is_state(path: Path, folders: RunFolders) -> bool:
    """Whether a file of such a name is a run's state; other tools call theirs state.json too."""
    return path.is_file() and (path.name == STATE_NAMES[0] or path.parent.parent == folders.agents_root)


def _by_first_record(paths: list[Path], zone: tzinfo | None, notebook: Notebook) -> list[Path]:
    dated = []
    for path in paths:
        try:
            moment = first_moment(path, zone)
        except OSError as error:
            notebook.add("logs that cannot be read", f"{path}: {error.strerror}")
            continue
        if moment is None:
            notebook.add("logs without a record", path)
        dated.append((moment or _LAST, path))
    return [path for _, path in sorted(dated)]


def _each_once(paths: list[Path], notebook: Notebook) -> Iterator[Path]:
    """The paths without those whose bytes were met before; only files of one size are compared."""
    sizes: dict[int, list[Path]] = {}
    for path in paths:
        sizes.setdefault(path.stat().st_size, []).append(path)
    met: set[str] = set()
    for path in paths:
        if len(sizes[path.stat().st_size]) > 1:
            digest = _digest(path)
            if digest in met:
                notebook.add("logs that are copies of another", path)
                continue
            met.add(digest)
        yield path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_log(path: Path, folders: RunFolders, runs: dict[str, RunHistory], notebook: Notebook) -> None:
    environment = _environment(path, folders.log_root)
    run_id = path.parent.parent.name
    for record in read_records(path, folders.zone, notebook):
        line = record.message.partition("\n")[0]
        if line.startswith(ANNOUNCEMENT):
            run_id = line.removeprefix(ANNOUNCEMENT).strip() or run_id
        run = runs.setdefault(run_id, RunHistory(run_id))
        run.environment = run.environment or environment
        run.read(record, notebook)


def _environment(path: Path, log_root: Path) -> str | None:
    """The environment that the path names, where it has the shape that says so."""
    inside = path.relative_to(log_root).parts if path.is_relative_to(log_root) else ()
    return path.parts[-4] if len(inside) == 5 or path.parts[-6:-5] == ("logs",) else None


def _add_state(run: RunHistory, state: SavedState) -> None:
    run.issue_id = run.issue_id or state.issue_id
    run.issue_title = run.issue_title or state.issue_title
    run.issue_type = run.issue_type or state.issue_type
    run.environment = state.environment or run.environment
    run.started_at = run.started_at or state.started_at
    run.updated_at = max(filter(None, (run.updated_at, state.seen_at)), default=None)
    if state.newest_step:
        run.checkpoint_name, run.checkpoint_at = state.newest_step.name, state.newest_step.saved_at
    if not run.attempts:
        run.attempts = list(state.attempts)
    if run.phase == UNKNOWN:
        last = run.attempts[-1].phase if run.attempts else UNKNOWN
        run.phase = state.phase or last
    _add_outcome(run, state)


def _add_outcome(run: RunHistory, state: SavedState) -> None:
    """Take the outcome from the state, unless the log tells one: the log is written last."""
    ended = state.status in ("completed", "failed", "cancelled")
    if state.status and (run.status == UNKNOWN or (ended and run.completed_at is None)):
        run.status = state.status
        run.completed_at = state.completed_at if ended else None
        if state.status == "failed":
            errors = [attempt.error_message for attempt in run.attempts if attempt.status == "failed"]
            run.error_message = state.error_message or (errors[-1] if errors else None)


def _settle(run: RunHistory) -> None:
    """Say of what nobody told an end that it is unknown, where the run does not say it goes on."""
    if run.status == UNKNOWN:
        run.close_open_attempt(None, UNKNOWN)
