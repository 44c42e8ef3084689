"""The tracker's file as the home of our tables: guarded before each use, our rows in step with its issues.

Newer versions of br write `beads.db` with an engine of their own: what stock SQLite commits there can be
lost, and a connection that is merely open can cost br's own writes. So the marks of br are looked for
whenever the file is opened or its folder has changed, and its stamp in every write.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from adw_state.engine.transaction import Transaction
from adw_state.errors import (
    DatabaseReadOnlyError,
    DiskFullError,
    IssueNotFoundError,
    StoreBusyError,
    TrackerChangedError,
)
from adw_state.shared_file import differences
from adw_state.store import opening, sql
from adw_state.store.database import Database
from adw_state.store.home import Home, OwnFile
from adw_state.trackers.br import marks_in_folder, marks_in_shape

if TYPE_CHECKING:
    from adw_state.shared_file.reconciliations import Reconciliation  # loaded when something was reconciled

_NOT_WRITABLE_NOW = (DatabaseReadOnlyError, DiskFullError, StoreBusyError)


def home_of(database: Database) -> Home:
    """Whose file our tables lie in there; in a tracker's file they are in step with its issues then.

    Raises `NotMigratedError` and `SchemaTooNewError`, `TrackerChangedError` where br has been at the file,
    and whatever a read raises.
    """
    _require_no_mark(database.path)  # before SQLite touches the file
    if not opening.inspect(database):
        return OwnFile()
    home = SharedFile(database)
    database.read(home.before_write)
    home.follow()
    return home


def reconcile(database: Database, *, thorough: bool = False) -> tuple[Reconciliation, ...]:
    """Put right whatever the tracker did to our rows; what was reconciled, nothing if all was well.

    `thorough` looks at every row, however large the database and however lately it was looked at.
    Raises what a write raises; then nothing has changed.
    """
    if not database.read(opening.is_in_shared_file):
        return ()
    seen = database.read(lambda tx: differences.look(tx, thorough=thorough))
    if not (seen.damaged or seen.unremembered):
        return ()
    return database.write(lambda tx: _reconcile_rows(tx, thorough=thorough))


def needs_reconciling(tx: Transaction) -> bool:
    """Whether rows of ours beside a tracker's issues must be put right."""
    return differences.look(tx).damaged


class SharedFile:
    """A tracker's file with our tables in it, for as long as it is open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._follows_events = False
        self.reconciled: tuple[Reconciliation, ...] = ()
        """What was reconciled since the database was opened here."""
        self.pending = False
        """Something is to be reconciled, but the database cannot be written now."""

    @property
    def issue(self) -> str:
        """An issue that lives, while no event of the tracker's waits to be followed."""
        return sql.load("reconciliation")["issue_in_step" if self._follows_events else "issue"]

    def before_open(self) -> None:
        """Raise `TrackerChangedError` if the file's folder holds a mark of br."""
        _require_no_mark(self._database.path)

    def before_write(self, tx: Transaction) -> None:
        """Raise `TrackerChangedError` if the file has br's stamp."""
        _require_no_stamp(tx, self._database.path)

    def require_issue(self, tx: Transaction, issue_id: str) -> None:
        """Raise `IssueNotFoundError` unless the tracker has the issue."""
        if tx.one(sql.load("reconciliation")["issue"], {"issue_id": issue_id}) is None:
            raise IssueNotFoundError(
                f"there is no issue {issue_id!r} in this tracker", hint="`bd list` shows the issues"
            )

    def reconcile(self) -> bool:
        """Follow the tracker up to this moment, so that what is written now is newer than every rename.

        And remember the tracker as it is now: what was never seen to be there cannot be missed when it goes.
        """
        return self.follow(events_too=True)

    def follow(self, *, events_too: bool = False) -> bool:
        """Put right what can be put right now; whether anything was. With `events_too` follow every event.

        A database that is read-only, on a full disk, or kept locked by another process can still be read:
        then the reconciliation is pending and the next opening tries again.
        """
        seen = self._database.read(differences.look)
        self._follows_events = seen.follows_events
        self.pending = False
        if not (seen.damaged or seen.unremembered or (events_too and seen.went_on)):
            return False
        try:
            found = self._database.write(_reconcile_rows)
        except _NOT_WRITABLE_NOW:
            self.pending = seen.damaged
            return False
        self.reconciled += found
        return bool(found) or seen.went_on


def _reconcile_rows(tx: Transaction, *, thorough: bool = False) -> tuple[Reconciliation, ...]:
    # What reconciles is only loaded when something is wrong: opening is part of every command's start.
    from adw_state.shared_file.reconciling import reconcile_rows

    return reconcile_rows(tx, thorough=thorough)


def _require_no_mark(database: Path) -> None:
    """Raise `TrackerChangedError` if the database's folder holds a mark of br."""
    if database.parent.name != ".beads":  # only there can other files be marks of br
        return
    try:
        marks = marks_in_folder(os.listdir(database.parent))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return  # a folder that cannot be listed is for the opening to complain of
    if marks:
        raise _refusal(database, marks[0])


def _require_no_stamp(tx: Transaction, database: Path) -> None:
    """Raise `TrackerChangedError` if the tracker's file has br's stamp."""
    version = tx.all(sql.load("reconciliation")["stamp"])[0]["user_version"]
    if version:
        raise _refusal(database, marks_in_shape((), version)[0])


def _refusal(database: Path, mark: str) -> TrackerChangedError:
    return TrackerChangedError(
        f"br has been at {database}, so nothing more is written there: {mark}",
        hint="the rows are still in it; `adw migrate move` takes them along to the sidecar",
    )
