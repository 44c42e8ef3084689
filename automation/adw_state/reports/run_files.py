"""Reading every log and state below two folders into one history per run.

    <log root>/<project>/<environment>/<run>/<workflow>/execution.log
    <agents root>/<run>/<workflow>/execution.log      <agents root>/<run>/adw_state.json

A run is named by the id that its log announces, else by its folder. Several processes may write one
file, one file may hold several runs, and one run may lie in several files; files are read in the order
of their first records. Of files with the same bytes one is read. Where a run has no log its state is
all there is; where it has one, the state only adds what the log leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adw_state import built_in
from adw_state.log_forms import ANNOUNCEMENT, UNKNOWN
from adw_state.reports.json_states import SavedState, read_state
from adw_state.reports.log_files import UNREADABLE, find_logs, find_states
from adw_state.reports.log_records import read_records
from adw_state.reports.notes import Notebook
from adw_state.reports.run_history import RunHistory

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
    for path in find_logs(roots, folders.zone, notebook):
        try:
            _read_log(path, folders, runs, notebook)
        except OSError as error:
            notebook.add(UNREADABLE, f"{path}: {error.strerror}")
    for path in find_states(roots, folders.agents_root):
        state = read_state(path, folders.zone, notebook)
        if state is not None:
            _add_state(runs.setdefault(state.run_id, RunHistory(state.run_id)), state)
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


def _add_state(run: RunHistory, state: SavedState) -> None:
    run.workflow = state.workflow or run.workflow
    run.phases = run.phases or state.phases
    run.issue_id = run.issue_id or state.issue_id
    if run.issue_title is None:
        run.issue_title = state.issue_title
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
