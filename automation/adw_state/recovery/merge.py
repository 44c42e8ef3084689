"""A run comes into a database: what is missing is added, what is newer here stays.

Two states of one execution are compared by fence, then by the time of the last change: a take-over
raises the fence, so clocks that disagree do not matter across it. A run is taken whole or not at all; one
that breaks a rule of the tables is left out and counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from adw_state.recovery.runs import Archived, KeptRow, Run
from adw_state.store import sql
from adw_state.store.transaction import Row, Transaction

# A row with one of these reasons waits in the archive for its issue.
_WAITING = ("deleted", "orphaned")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of runs, counted."""

    restored: int = 0
    """Executions that live now."""
    renewed: int = 0
    """Executions that were here in an earlier state."""
    archived: int = 0
    """Executions that came into the archive: their issue is gone, or they had been archived."""
    attempts: int = 0
    """Attempts that came in or were brought to their end."""
    checkpoints: int = 0
    present: int = 0
    """Executions that were here already, in the same or a later state."""
    namesakes: int = 0
    """Executions whose id belongs to another run here; left out."""
    refused: int = 0
    """Executions that break a rule of the tables; left out."""
    diverged: int = 0
    """Checkpoints left out because the run saved something else here in their place."""

    def __add__(self, other: Self) -> Tally:
        """Both counts together."""
        return Tally(*[getattr(self, name) + getattr(other, name) for name in self.__slots__])

    @property
    def changes(self) -> int:
        """How many rows came in or were changed."""
        return self.restored + self.renewed + self.archived + self.attempts + self.checkpoints

    @property
    def left_out(self) -> int:
        """How many rows stayed outside although they are not here."""
        return self.namesakes + self.refused + self.diverged


class Merge:
    """Takes runs into the database of one transaction."""

    def __init__(self, tx: Transaction, *, beside_issues: bool) -> None:
        self._tx = tx
        self._texts = sql.load("restore")
        self._beside_issues = beside_issues
        self.tally = Tally()
        self.why_refused: str | None = None
        """Which rule the last refused run breaks, in SQLite's words."""

    def take(self, run: Run) -> None:
        """Take a run in, if it is missing here or further than here."""
        self.whole(lambda: self._take(run))

    def take_stray(self, what: str, row: KeptRow) -> None:
        """Take in an archived attempt or checkpoint of which not even the execution is known."""
        came = self._write_alone(what, row, row.archived) if row.archived else 0
        self.tally += Tally(attempts=came) if what == "attempt" else Tally(checkpoints=came)

    def whole(self, work: Callable[[], Tally]) -> None:
        """Do what changes one run, all of it or, where a row breaks a rule, nothing."""
        self._tx.execute("SAVEPOINT adw_run")
        try:
            done = work()
        except sqlite3.IntegrityError as error:
            self._tx.execute("ROLLBACK TO adw_run")
            self.why_refused = str(error)
            done = Tally(refused=1)
        self._tx.execute("RELEASE adw_run")
        self.tally += done

    def add_living(self, run: Run) -> Tally:
        """Write a run that is not here into the live tables."""
        self._tx.execute(self._texts["add_execution"], run.execution.values)
        return Tally(restored=1) + self._children(run)

    def _take(self, run: Run) -> Tally:
        values = run.execution.values
        if not isinstance(values["id"], str) or not values["id"]:
            self.why_refused = "an execution has no id"
            return Tally(refused=1)
        living = self._tx.one(self._texts["living"], values)
        here = living or self._tx.one(self._texts["archived"], values)
        if here is not None and here["started_at"] != values["started_at"]:
            return Tally(namesakes=1)
        if living is not None:
            return self._add_to_living(run, living)
        if here is not None and progress(values) <= progress(here):
            return Tally(present=1)
        place = self._place(run)
        return self.add_living(run) if place is None else self._add_to_archive(run, place)

    def _add_to_living(self, run: Run, living: Row) -> Tally:
        """Bring an execution that lives here to the state that the run has, if that is a later one."""
        there, here = progress(run.execution.values), progress(living)
        if run.execution.archived is not None or there < here:
            return Tally(present=1)
        done = Tally(present=1)
        if there > here:
            self._tx.execute(self._texts["renew_execution"], run.execution.values)
            done = Tally(renewed=1)
        return done + self._children(run)

    def _place(self, run: Run) -> Archived | None:
        """Where in the archive a run belongs; None where it belongs into the live tables."""
        archived = run.execution.archived
        if archived is not None and archived.reason not in _WAITING:
            return archived
        if not self._beside_issues:
            return archived
        bearer = self._tx.one(self._texts["bearer"], run.execution.values)
        if bearer is None:
            return archived or Archived(self._tx.now, "orphaned")
        return Archived(self._tx.now, "id_reused") if bearer["stranger"] else None

    def _add_to_archive(self, run: Run, place: Archived) -> Tally:
        self._write("archive_execution", KeptRow(run.execution.values), place)
        attempts = [self._write("archive_attempt", row, row.archived or place) for row in run.attempts]
        checkpoints = [
            self._write("archive_checkpoint", row, row.archived or place) for row in run.checkpoints
        ]
        return Tally(archived=1, attempts=sum(attempts), checkpoints=sum(checkpoints))

    def _children(self, run: Run) -> Tally:
        """Attempts and checkpoints of a run that lives: live ones, and ones that were archived alone."""
        whole = run.execution.archived is not None
        attempts = 0
        for row in run.attempts:
            if row.archived is None or whole:
                attempts += self._tx.execute(self._texts["add_attempt"], row.values)
            else:
                attempts += self._write_alone("attempt", row, row.archived)
        checkpoints, diverged = self._checkpoints(run, whole=whole)
        return Tally(attempts=attempts, checkpoints=checkpoints, diverged=diverged)

    def _checkpoints(self, run: Run, *, whole: bool) -> tuple[int, int]:
        """How many checkpoints came in, and how many had to stay out."""
        saved = self._tx.all(self._texts["saved_checkpoints"], {"execution_id": run.execution.values["id"]})
        op_ids = {row["op_id"] for row in saved}
        seqs: set[object] = {row["seq"] for row in saved}
        steps = {(row["phase"], row["attempt"], row["checkpoint_name"]) for row in saved}
        highest = max((row["seq"] for row in saved), default=0)
        came = stayed_out = 0
        for row in run.checkpoints:
            values = row.values
            if row.archived is not None and not whole:
                came += self._write_alone("checkpoint", row, row.archived)
                continue
            if values["op_id"] in op_ids:
                continue
            if run.derived:
                if (values["phase"], values["attempt"], values["checkpoint_name"]) in steps:
                    continue
                highest += 1
                values = {**values, "seq": highest}
            elif values["seq"] in seqs:
                stayed_out += 1
                continue
            added = self._tx.execute(self._texts["add_checkpoint"], values)
            op_ids.add(values["op_id"])
            seqs.add(values["seq"])
            came += added
            stayed_out += 1 - added
        return came, stayed_out

    def _write_alone(self, what: str, row: KeptRow, archived: Archived) -> int:
        """Write an archived row without its execution, unless it is in the archive here."""
        if self._tx.one(self._texts[f"{what}_is_archived"], {**row.values, "archived_at": archived.at}):
            return 0
        return self._write(f"archive_{what}", row, archived)

    def _write(self, text: str, row: KeptRow, archived: Archived) -> int:
        where = {"archived_at": archived.at, "archive_reason": archived.reason}
        return self._tx.execute(self._texts[text], {**row.values, **where})


def progress(row: Mapping[str, object] | Row) -> tuple[int, str]:
    """What grows while a run goes on: its fence, and within one the time of its last change."""
    fence = row["fence"]
    return (fence if isinstance(fence, int) else 0, str(row["updated_at"] or ""))
