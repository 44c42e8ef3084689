"""Bringing history back into the present database, after a rehearsal on a copy of it.

`restore` first prepares the database (a rebuilt file lacks our tables, a sidecar may not exist yet) and
reconciles it, then takes the sources one by one, the newest first, in batches that are transactions.
`rehearse` does exactly the same to a copy that is thrown away, and so tells what `restore` would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from adw_state.clock import Clock
from adw_state.engine.sqlite.backup import Backup, back_up
from adw_state.engine.sqlite.private_copy import scratch_folder
from adw_state.engine.transaction import Transaction
from adw_state.recovery.sources import Source
from adw_state.recovery.upgrade import migrate
from adw_state.shared_file import reconcile
from adw_state.shared_file.reconciliations import Reconciliation, executions_text, record, record_import
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.importing import Content, Tally, import_contents, revive_run
from adw_state.store.runs import ARCHIVES, EXECUTION_COLUMNS, LIVE_TABLES, stored_row, with_parts
from adw_state.trackers.tracker import Location

# Others that write wait no longer than one batch takes.
_BATCH = 500


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


def rehearse(location: Location, sources: Sequence[Source], clock: Clock) -> Restoration:
    """What `restore` would do now. Works on a copy; the database is only read.

    Raises `DatabaseError` and its kinds when the database cannot be used.
    """
    with scratch_folder() as folder:
        copy = folder / "state.sqlite3"
        if _holds_something(location.database):
            back_up(location.database, folder, "rehearsal", clock.now()).path.rename(copy)
        shared = copy if location.is_shared_file else None
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
    prepared = migrate(
        location.database,
        may_make=not location.is_shared_file,
        backup_folder=location.state_dir / "backups",
        clock=clock,
    )
    with closing(Database(location.database, clock=clock)) as database:
        reconciled = reconcile(database, thorough=True)
        undeleted = Tally() if location.is_shared_file else database.write(_bring_back)
        taken = tuple(_take_from(database, source, clock, kind) for source in sources)
        reconciled += reconcile(database, thorough=True)
    return Restoration(prepared.versions, prepared.backup, reconciled, undeleted, taken)


def _bring_back(tx: Transaction) -> Tally:
    """Bring back from a sidecar's archive every execution that was deleted; what came back.

    No tracker takes rows away there, so a person did. Beside a tracker's issues it is reconciliation that
    knows why rows went.
    """
    texts, tables = sql.load("restore"), frozenset((*LIVE_TABLES, *ARCHIVES))
    done = Tally()
    for row in tx.all(texts["deleted_by_hand"]):
        copies = tx.all(texts["archived_execution_rows"], {"id": row["id"]})
        done += revive_run(tx, with_parts(tx.all, tables, stored_row(copies[0], EXECUTION_COLUMNS)))
    if done.changes:
        detail = f"{executions_text(done.restored)} had been deleted and came back from the archive"
        record(tx, [Reconciliation("recovered", None, None, done.restored, detail)])
    return done


def _take_from(database: Database, source: Source, clock: Clock, kind: str) -> Taken:
    tally = Tally()
    with source.open(clock) as held:
        contents = held.contents()
        while batch := list(islice(contents, _BATCH)):
            tally += database.write(partial(_take_batch, batch=batch, source=source, kind=kind))
    return Taken(source, tally)


def _take_batch(tx: Transaction, *, batch: Sequence[Content], source: Source, kind: str) -> Tally:
    tally = import_contents(tx, batch)
    record_import(tx, kind, str(source.path), tally)
    return tally


def _holds_something(path: Path) -> bool:
    # Another process that makes the file at this moment makes it empty first.
    return path.exists() and path.stat().st_size > 0
