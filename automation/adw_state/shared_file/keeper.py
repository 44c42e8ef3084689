"""Healing for an open database: when it is opened, and before an execution is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.errors import DatabaseReadOnlyError, DiskFullError, StoreBusyError
from adw_state.shared_file import diagnosis
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.transaction import Transaction

if TYPE_CHECKING:
    from adw_state.shared_file.audit import Healing  # loaded when something was healed

_NOT_WRITABLE_NOW = (DatabaseReadOnlyError, DiskFullError, StoreBusyError)


def heal(database: Database, *, beside_issues: bool, thorough: bool = False) -> tuple[Healing, ...]:
    """Put right whatever the tracker did to our rows; what was healed, nothing if all was well.

    `thorough` looks at every row, however large the database and however lately it was looked at.
    Raises what a write raises; then nothing has changed.
    """
    if not beside_issues:
        return ()
    seen = database.read(lambda tx: diagnosis.look(tx, thorough=thorough))
    if not (seen.damaged or seen.unremembered):
        return ()
    return database.write(lambda tx: _treat(tx, thorough=thorough))


def needs_healing(tx: Transaction) -> bool:
    """Whether rows of ours beside a tracker's issues must be put right."""
    return diagnosis.look(tx).damaged


class Keeper:
    """Keeps the executions of one open database with their issues."""

    def __init__(self, database: Database, *, beside_issues: bool) -> None:
        self._database = database
        self._beside_issues = beside_issues
        self.follows_events = False
        """The tracker keeps events by which its renames can be followed."""
        self.healed: tuple[Healing, ...] = ()
        """What was healed since the database was opened here."""
        self.pending = False
        """Something is to be healed, but the database cannot be written now."""

    def heal(self) -> bool:
        """Put right what can be put right now; whether anything was.

        A database that is read-only, on a full disk, or kept locked by another process can still be read:
        then the healing is pending and the next opening tries again.
        """
        if not self._beside_issues:
            return False
        seen = self._database.read(diagnosis.look)
        found: tuple[Healing, ...] = ()
        self.pending = False
        if seen.damaged or seen.unremembered:
            try:
                found = self._database.write(_treat)
            except _NOT_WRITABLE_NOW:
                self.pending = seen.damaged
        self.follows_events = seen.follows_events
        self.healed += found
        return bool(found)

    def before_insert(self, tx: Transaction) -> None:
        """Follow the tracker up to this moment, so that a new execution is newer than every rename.

        And remember the tracker as it is now, with the execution's issue: what was never seen to be
        there cannot be missed when it goes.
        """
        if not self.follows_events or not tx.all(sql.load("healing")["went_on"]):
            return
        seen = diagnosis.look(tx)
        if seen.damaged or seen.unremembered:
            _treat(tx)
        else:
            diagnosis.remember(tx, seen.newest_event)


def _treat(tx: Transaction, *, thorough: bool = False) -> tuple[Healing, ...]:
    # What treats is only loaded when something is wrong: opening is part of every command's start.
    from adw_state.shared_file.treatment import treat

    return treat(tx, thorough=thorough)
