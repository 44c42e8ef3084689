"""A run comes into a database: what is missing is added, what is newer here stays.

Two states of one execution are compared by fence, then by whether it ended, then by the time of the last
change: only a take-over goes on with what ended, and it raises the fence, so clocks that disagree matter
little. A run is taken whole or not at all: one that breaks a rule of the tables is left out and counted, or,
where nothing may be lost, kept in the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

from adw_state.engine.transaction import Row, Transaction
from adw_state.errors import ConstraintError, InvalidInputError
from adw_state.store import sql
from adw_state.store.opening import is_in_shared_file
from adw_state.store.runs import Archived, RunRows, StoredRow
from adw_state.store.values import execution_id as require_execution_id
from adw_state.store.values import phase as require_phase

Content: TypeAlias = RunRows | tuple[str, StoredRow]
"""A run; or an attempt or a checkpoint, as the word before it says, whose execution is not known."""

Progress: TypeAlias = tuple[int, bool, str]
"""How far an execution is; see `progress`."""

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
    conflicts: int = 0
    """Executions whose id belongs to another run here; left out."""
    refused: int = 0
    """Executions that break a rule of the tables; left out."""
    diverged: int = 0
    """Checkpoints left out because the run saved something else here in their place."""
    why_refused: str | None = field(default=None, compare=False)
    """Which rule a refused run breaks, in the database's words."""

    def __add__(self, other: Self) -> Tally:
        """Both counts together."""
        numbers = [getattr(self, name) + getattr(other, name) for name in _COUNTS]
        return replace(Tally(*numbers), why_refused=other.why_refused or self.why_refused)

    @property
    def changes(self) -> int:
        """How many rows came in or were changed."""
        return self.restored + self.renewed + self.archived + self.attempts + self.checkpoints

    @property
    def left_out(self) -> int:
        """How many rows stayed outside although they are not here."""
        return self.conflicts + self.refused + self.diverged


_COUNTS = tuple(name for name in Tally.__slots__ if name != "why_refused")


def import_run(tx: Transaction, run: RunRows, *, in_place: bool = False) -> Tally:
    """Take a run in, if it is missing here or further than here; what became of it.

    One whose issue is not there, where issues are, goes to the archive. A run that lay `in_place`, in this
    very file, goes there too where it breaks a rule of the tables, and is not left out.
    """
    importer = _Import(tx, in_place=in_place)
    return importer.all_or_nothing(run, importer.take)


def import_contents(tx: Transaction, contents: Iterable[Content], *, in_place: bool = False) -> Tally:
    """Take in all of this; an orphan goes into the archive, unless it is there."""
    done, importer = Tally(), _Import(tx)
    for content in contents:
        if isinstance(content, RunRows):
            done += import_run(tx, content, in_place=in_place)
            continue
        what, row = content
        came = importer.archive_alone(what, row, row.archived) if row.archived else 0
        done += Tally(attempts=came) if what == "attempt" else Tally(checkpoints=came)
    return done


def revive_run(tx: Transaction, run: RunRows) -> Tally:
    """Bring a run of the archive back to life; the archive gives it up. Left there if it breaks a rule."""
    importer = _Import(tx)
    return importer.all_or_nothing(run, importer.revive)


def progress(row: Mapping[str, object] | Row) -> Progress:
    """What grows while a run goes on: its fence, within one that it ended, then when it last changed."""
    fence, ended = row["fence"], row["completed_at"] is not None
    return (fence if isinstance(fence, int) else 0, ended, str(row["updated_at"] or ""))


def _rule(error: ConstraintError | InvalidInputError) -> str:
    return error.rule if isinstance(error, ConstraintError) else str(error)


class _Import:
    """Runs coming into the database of one transaction."""

    def __init__(self, tx: Transaction, *, in_place: bool = False) -> None:
        self._tx = tx
        self._texts = sql.load("restore")
        self._rows = {
            "execution": sql.load("executions"),
            "attempt": sql.load("attempts"),
            "checkpoint": sql.load("checkpoints"),
        }
        self._in_place = in_place

    def all_or_nothing(self, run: RunRows, take: Callable[[RunRows], Tally]) -> Tally:
        """What came of taking a run, of which nothing stays where a row breaks a rule."""
        self._tx.execute("SAVEPOINT adw_run")
        try:
            done = take(run)
        except (ConstraintError, InvalidInputError) as error:
            self._tx.execute("ROLLBACK TO adw_run")
            done = self._unfit(run, _rule(error))
        self._tx.execute("RELEASE adw_run")
        return done

    def revive(self, run: RunRows) -> Tally:
        """Take a run of the archive, which is then there no more."""
        done = self._add_living(run)
        for what in ("execution", "attempts", "checkpoints"):
            self._tx.execute(self._texts[f"forget_archived_{what}"], run.execution.values)
        return done

    def archive_alone(self, what: str, row: StoredRow, archived: Archived) -> int:
        """Write a row into its archive without its execution, unless it is there; whether it was written."""
        if self._tx.one(self._texts[f"{what}_is_archived"], {**row.values, "archived_at": archived.at}):
            return 0
        return self._archive(what, row, archived)

    def take(self, run: RunRows) -> Tally:
        """Take a run that is missing here or further than here."""
        values = run.execution.values
        require_execution_id(values["id"])
        if self._in_place:
            require_phase(values["phase"])  # or it would wait in the archive for an issue in vain
        living = self._tx.one(self._texts["living"], values)
        here = living or self._tx.one(self._texts["archived"], values)
        if here is not None and self._in_place:
            return self._unfit(run, "its id is taken")
        if here is not None and here["started_at"] != values["started_at"]:
            return Tally(conflicts=1)
        if living is not None:
            return self._add_to_living(run, living)
        if here is not None and progress(values) <= progress(here):
            return Tally(present=1)
        place = self._place(run)
        return self._add_living(run) if place is None else self._add_to_archive(run, place)

    def _unfit(self, run: RunRows, why: str) -> Tally:
        if self._in_place:
            return self._add_to_archive(run, Archived(self._tx.now, "unrestorable"))
        return Tally(refused=1, why_refused=why)

    def _add_living(self, run: RunRows) -> Tally:
        require_phase(run.execution.values["phase"])
        self._tx.execute(self._rows["execution"]["add"], run.execution.values)
        return Tally(restored=1) + self._parts(run)

    def _add_to_living(self, run: RunRows, living: Row) -> Tally:
        """Bring an execution that lives here to the state that the run has, if that is a later one."""
        there, here = progress(run.execution.values), progress(living)
        if run.execution.archived is not None or there < here:
            return Tally(present=1)
        done = Tally(present=1)
        if there > here:
            self._tx.execute(self._rows["execution"]["renew"], run.execution.values)
            done = Tally(renewed=1)
        return done + self._parts(run)

    def _place(self, run: RunRows) -> Archived | None:
        """Where in the archive a run belongs; None where it belongs into the live tables."""
        archived = run.execution.archived
        if archived is not None and archived.reason not in _WAITING:
            return archived
        if not is_in_shared_file(self._tx):
            return archived
        issue = self._tx.one(self._texts["issue"], run.execution.values)
        if issue is None:
            return archived or Archived(self._tx.now, "orphaned")
        may_be_another = archived is not None or not self._in_place
        return Archived(self._tx.now, "id_reused") if may_be_another and issue["is_another"] else None

    def _add_to_archive(self, run: RunRows, place: Archived) -> Tally:
        self._archive("execution", run.execution, place)
        attempts = [self._archive("attempt", row, row.archived or place) for row in run.attempts]
        checkpoints = [self._archive("checkpoint", row, row.archived or place) for row in run.checkpoints]
        return Tally(archived=1, attempts=sum(attempts), checkpoints=sum(checkpoints))

    def _parts(self, run: RunRows) -> Tally:
        """Attempts and checkpoints of a run that lives: live ones, and ones that were archived alone."""
        whole = run.execution.archived is not None
        attempts = sum(
            self._add("attempt", row)
            if row.archived is None or whole
            else self.archive_alone("attempt", row, row.archived)
            for row in run.attempts
        )
        checkpoints, diverged = self._checkpoints(run, whole=whole)
        return Tally(attempts=attempts, checkpoints=checkpoints, diverged=diverged)

    def _checkpoints(self, run: RunRows, *, whole: bool) -> tuple[int, int]:
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
                came += self.archive_alone("checkpoint", row, row.archived)
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
            added = self._add("checkpoint", StoredRow(values))
            op_ids.add(values["op_id"])
            seqs.add(values["seq"])
            came += added
            stayed_out += 1 - added
        return came, stayed_out

    def _add(self, what: str, row: StoredRow) -> int:
        """Write a part of a run that lives; whether it was written."""
        try:
            require_phase(row.values["phase"])
            return self._tx.execute(self._rows[what]["add"], row.values)
        except (ConstraintError, InvalidInputError):
            if not self._in_place:
                raise
            return self._archive(what, row, Archived(self._tx.now, "unrestorable"))

    def _archive(self, what: str, row: StoredRow, place: Archived) -> int:
        where = {"archived_at": place.at, "archive_reason": place.reason}
        return self._tx.execute(self._rows[what]["archive"], {**row.values, **where})
