"""Reading every log and state below two folders into one history per run.

    <log root>/<project>/<environment>/<run>/<workflow>/execution.log
    <agents root>/<run>/<workflow>/execution.log      <agents root>/<run>/adw_state.json

A run is named by the id that its log announces, else by its folder. Several processes may write one
file, one file may hold several runs, and one run may lie in several files; files are read in the order
of their first records. Of files with the same bytes one is read. Where a run has no log its state is
all there is; where it has one, the state only adds what the log leaves open.

The runs then lie in tables in memory that have the names and columns of the store's, so that one set of SQL
texts defines every number for both backends.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adw_state import built_in
from adw_state.clock import format_time
from adw_state.engine.transaction import Transaction, in_memory
from adw_state.log_forms import ANNOUNCEMENT, UNKNOWN
from adw_state.reports.log_records import first_moment, read_records
from adw_state.reports.reading import Notebook
from adw_state.reports.run_history import AttemptHistory, RunHistory
from adw_state.reports.state_files import STATE_NAMES, read_state
from adw_state.schema.migration_files import Layout, known
from adw_state.store import sql
from adw_state.store.records import encode_phases
from adw_state.store.values import text as storable_text

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


@contextmanager
def tables_of(runs: Iterable[RunHistory], now: datetime, notebook: Notebook) -> Iterator[Transaction]:
    """A transaction on tables that hold these runs. A run without a start is noted and left out."""
    with in_memory(format_time(now)) as tx:
        texts = sql.load("log_tables")
        for name in ("executions", "executions_by_start", "attempts", "checkpoints"):
            tx.execute(texts[name])
        for statement in _views():
            tx.execute(statement)
        for run in runs:
            if run.started_at is None:
                notebook.add("runs without a start time, not counted", run.run_id)
            else:
                _add(tx, texts, run)
        yield tx


def _views() -> list[str]:
    """The statements that make the views of our tables; here they stand over the tables in memory."""
    (views,) = (migration for migration in known() if migration.name == "create_views")
    return views.up(Layout.OWN_FILE)


def _add(tx: Transaction, texts: dict[str, str], run: RunHistory) -> None:
    tx.execute(texts["add_execution"], _values(run))
    for attempt in run.attempts:
        place = run.phases.index(attempt.phase) + 1 if attempt.phase in run.phases else None
        tx.execute(texts["add_attempt"], {**_values(attempt), "run_id": run.run_id, "place": place})
    if run.checkpoint_name is not None and run.checkpoint_at is not None:
        tx.execute(texts["add_checkpoint"], _values(run))


def _values(record: RunHistory | AttemptHistory) -> dict[str, object]:
    """The fields of a record as a database takes them; a text takes those that it names."""
    return {field.name: _storable(field.name, getattr(record, field.name)) for field in fields(record)}


def _storable(name: str, value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return encode_phases([str(_storable(name, phase)) for phase in value])
    # JSON and names of files can hold what no database takes, such as halves of characters.
    return storable_text(value, name) if isinstance(value, str) else value
