"""Bringing history back into the present database, after a rehearsal on a copy of it.

`restore` first prepares the database (a rebuilt file lacks our tables, a sidecar may not exist yet) and
reconciles it, then takes the sources one by one, the newest first, in batches that are transactions.
`rehearse` does exactly the same to a copy that is thrown away, and so tells what `restore` would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

from adw_state.clock import Clock, parse_time
from adw_state.errors import AdwError, InvalidInputError
from adw_state.recovery.json_states import JsonStates
from adw_state.recovery.old_database import open_old
from adw_state.recovery.old_runs import count_rows, newest_change, read_orphans, read_runs
from adw_state.recovery.own_archive import bring_back
from adw_state.recovery.places import OldFile
from adw_state.recovery.upgrade import Migrated, migrate
from adw_state.shared_file import reconcile
from adw_state.shared_file.reconciliations import Reconciliation, record_import
from adw_state.store.database import Database
from adw_state.store.importing import Tally, import_orphan, import_run
from adw_state.store.runs import RowCounts, RunRows, StoredRow
from adw_state.store.sqlite.backup import Backup, back_up
from adw_state.store.sqlite.private_copy import scratch_folder
from adw_state.store.transaction import Transaction
from adw_state.trackers.tracker import Location

_Content: TypeAlias = RunRows | tuple[str, StoredRow]

# Others that write wait no longer than one batch takes.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Source:
    """Where history was found: what the place is, its newest change, its rows, and sentences about it.

    `json_states` is set where the runs are JSON states, else the path is an old database.
    """

    path: Path
    what: str
    newest: datetime | None
    rows: RowCounts
    notes: tuple[str, ...] = ()
    json_states: JsonStates | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """The sources that hold history, newest first, and a sentence per file that cannot be read."""

    sources: tuple[Source, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came from one source."""

    source: Source
    tally: Tally


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was done: migrations applied, the backup before, what was reconciled, what came from where."""

    migrated: tuple[str, ...]
    backup: Backup | None
    reconciled: tuple[Reconciliation, ...]
    undeleted: Tally
    """Rows that had been deleted by hand from a sidecar, and came back from its archive."""
    taken: tuple[Taken, ...]

    @property
    def total(self) -> Tally:
        """What came in, from all sources together."""
        return sum((one.tally for one in self.taken), self.undeleted)

    @property
    def changed(self) -> bool:
        """Whether any row came in or was put right; migrations alone bring nothing back."""
        return bool(self.reconciled or self.total.changes)


def survey(files: Sequence[OldFile], project: Path | None, clock: Clock) -> Survey:
    """What these files hold, and the JSON states of `project` where one is given. Writes nothing."""
    sources, unreadable = [], []
    for old in files:
        try:
            source = _look_into(old, clock)
        except AdwError as error:
            unreadable.append(str(error) if str(old.path) in str(error) else f"{old.path}: {error}")
        else:
            sources += [source] if source else []
    if project is not None:
        states = JsonStates(project)
        sources += [source] if (source := _look_into_states(states)) else []
        unreadable += states.unreadable
    sources.sort(key=_newest_first)
    return Survey(tuple(sources), tuple(unreadable))


def rehearse(location: Location, sources: Sequence[Source], clock: Clock) -> Restoration:
    """What `restore` would do now. Works on a copy; the database is only read.

    Raises `DatabaseError` and its kinds when the database cannot be used.
    """
    with scratch_folder() as folder:
        copy = folder / "state.sqlite3"
        if _holds_something(location.database):
            back_up(location.database, folder, "rehearsal", clock.now()).path.rename(copy)
        shared = copy if location.beside_issues else None
        there = location._replace(database=copy, tracker_database=shared, state_dir=folder)
        return _restore(there, sources, clock, "recovered")


def restore(location: Location, sources: Sequence[Source], clock: Clock, *, kind: str) -> Restoration:
    """Bring back what these sources hold and the present database lacks or has in an earlier state.

    Args:
        location: The database that history comes into; made or migrated first where need be.
        sources: Where from, in the order in which they are asked.
        clock: Whose time the changes bear.
        kind: What the audit table calls it: recovered or moved.

    A database that holds something is copied to the backups first.

    Raises:
        DatabaseError: the database cannot be used, or there is no room; what was taken before stays,
            each run whole, and the same again goes on from there.
        StoreBusyError: another process kept the database locked.
    """
    before = None
    if _holds_something(location.database):
        folder = location.state_dir / "backups"
        before = back_up(location.database, folder, "before-restore", clock.now())
    return replace(_restore(location, sources, clock, kind), backup=before)


def _restore(location: Location, sources: Sequence[Source], clock: Clock, kind: str) -> Restoration:
    prepared = _prepare(location, clock)
    with closing(Database(location.database, clock=clock)) as database:
        reconciled = reconcile(database, thorough=True)
        undeleted = Tally() if location.beside_issues else database.write(bring_back)
        taken = tuple(_take_from(database, source, clock, kind) for source in sources)
        reconciled += reconcile(database, thorough=True)
    return Restoration(prepared.versions, prepared.backup, reconciled, undeleted, taken)


def _prepare(location: Location, clock: Clock) -> Migrated:
    folder = location.state_dir / "backups"
    return migrate(location.database, beside_issues=location.beside_issues, backup_folder=folder, clock=clock)


def _look_into(old: OldFile, clock: Clock) -> Source | None:
    with open_old(old.path, clock) as database:
        rows = RowCounts() if database is None else count_rows(database)
        if database is None or rows == RowCounts():
            return None
        return Source(old.path, old.what, newest_change(database), rows, database.notes)


def _look_into_states(states: JsonStates) -> Source | None:
    rows, newest = states.count()
    if rows == RowCounts():
        return None
    notes = (f"{states.foreign:,} states are not of our making and are left alone",) if states.foreign else ()
    return Source(states.folder, "JSON states", _moment(newest), rows, notes, states)


def _newest_first(source: Source) -> tuple[float, str]:
    return (-source.newest.timestamp() if source.newest else 0.0, str(source.path))


def _take_from(database: Database, source: Source, clock: Clock, kind: str) -> Taken:
    tally = Tally()
    with _contents_of(source, clock) as contents:
        while batch := list(islice(contents, _BATCH)):
            tally += database.write(partial(_take_batch, batch=batch, source=source, kind=kind))
    return Taken(source, tally)


def _take_batch(tx: Transaction, *, batch: Sequence[_Content], source: Source, kind: str) -> Tally:
    tally = Tally()
    for content in batch:
        if isinstance(content, RunRows):
            tally += import_run(tx, content)
        else:
            tally += import_orphan(tx, *content)
    record_import(tx, kind, str(source.path), tally)
    return tally


@contextmanager
def _contents_of(source: Source, clock: Clock) -> Iterator[Iterator[_Content]]:
    if source.json_states is not None:
        yield source.json_states.runs()
        return
    with open_old(source.path, clock) as old:
        yield chain(read_runs(old), read_orphans(old)) if old else iter(())


def _holds_something(path: Path) -> bool:
    # Another process that makes the file at this moment makes it empty first.
    return path.exists() and path.stat().st_size > 0


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except InvalidInputError:
        return None
