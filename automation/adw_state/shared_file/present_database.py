"""The database that lies at a path at present, whatever the tracker does to it meanwhile.

A tracker may replace the file, remove its log, rebuild it, or give way to br while we have it open. That is
noticed before anything is read or written; then the connections are closed, the file that is there now is
looked at, our rows in it are healed, and the work is done there. Where br has been, nothing is done any
more and nothing held open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adw_state.errors import DatabaseReplacedError, ExecutionNotFoundError, TrackerChangedError
from adw_state.shared_file import Keeper
from adw_state.shared_file.br_watch import BrWatch
from adw_state.store import opening
from adw_state.store.database import Database, Shortcut, Unit

Result = TypeVar("Result")


class PresentDatabase:
    """An open database of ours, looked at and healed whenever it is another one than before.

    `database` must be watched by `watch`. Raises `DatabaseError` and its kinds when there is none, or
    none that can be used.
    """

    beside_issues: bool
    """Whether our tables lie beside the tracker's issues."""
    keeper: Keeper
    """Who keeps our rows with those issues."""

    def __init__(self, database: Database, watch: BrWatch) -> None:
        self._database = database
        self._watch = watch
        self._outdated = True
        try:
            self.use(lambda: None)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the connections; the next use opens, and looks at, whatever is there then."""
        self._outdated = True
        self._database.close()

    def read(self, unit: Unit[Result]) -> Result:
        """The result of a unit of work that only reads."""
        return self.use(lambda: self._database.read(unit))

    def write(self, unit: Unit[Result], shortcut: Shortcut[Result] | None = None) -> Result:
        """The result of a unit of work, or of its shortcut; see `Database.write`."""

        def write() -> Result:
            return self._database.write(unit, shortcut)

        try:
            return self.use(write)
        except ExecutionNotFoundError:
            # An import by the tracker may have sent the execution of a living issue to the archive.
            if not self.keeper.heal():
                raise
            return self.use(write)

    def use(self, work: Callable[[], Result]) -> Result:
        """The result of `work`; it is called again when its first use of the database finds that replaced."""
        try:
            if not self._outdated:
                try:
                    return work()
                except DatabaseReplacedError:
                    self._outdated = True  # until the file that is there now was found good
            self._database.close()
            self._look_at_it()
            self._outdated = False
            return work()
        except TrackerChangedError:
            self.close()
            raise

    def _look_at_it(self) -> None:
        self.beside_issues = self._watch.beside_issues = opening.inspect(self._database)
        if self.beside_issues:
            self._database.read(self._watch.look_within)
        self.keeper = Keeper(self._database, beside_issues=self.beside_issues)
        self.keeper.heal()
