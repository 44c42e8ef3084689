"""The project that is checked: its database, where that lies, which bd it uses, and who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from adw_state.clock import Clock
from adw_state.doctor import bd
from adw_state.engine.sqlite.connection import open_reader
from adw_state.engine.sqlite.driver import EngineError
from adw_state.errors import AdwError
from adw_state.schema import shape
from adw_state.schema.check import Target
from adw_state.shared_file import reconcile
from adw_state.store import opening
from adw_state.store.database import Database
from adw_state.trackers.bd import BD_DOLT
from adw_state.trackers.bd_program import installed_bd
from adw_state.trackers.tracker import Location

_OUR_TABLES = {"adw_executions", "adw_phase_attempts", "adw_checkpoints", "adw_executions_archive"}


@dataclass(frozen=True, kw_only=True)
class Project(Target):
    """A target with its surroundings. `here` is the folder in which the user stands."""

    location: Location
    environ: Mapping[str, str]
    here: Path

    @classmethod
    def at(
        cls, location: Location, clock: Clock, environ: Mapping[str, str], here: Path, *, named: bool = False
    ) -> Project:
        """The project whose database `locate` found."""
        return cls(
            path=location.database,
            clock=clock,
            named=named,
            location=location,
            environ=environ,
            here=here,
        )

    @cached_property
    def database(self) -> Database | None:
        """The database, if it is there and migrated as far as this version knows."""
        if not self.location.database_exists():
            return None
        database = Database(self.path, clock=self.clock, retry_delays_seconds=())
        try:
            opening.inspect(database)
        except AdwError:
            database.close()
            return None
        return database

    @cached_property
    def holds_our_tables(self) -> bool:
        """Whether the database is there and holds any table of ours; a damaged one counts as well."""
        if not self.location.database_exists():
            return False
        try:
            with closing(open_reader(self.path)) as reader:
                return not _OUR_TABLES.isdisjoint(shape.present(reader))
        except (EngineError, AdwError):
            return True

    @cached_property
    def bd(self) -> bd.InstalledBd:
        """The bd on the PATH."""
        program = installed_bd(self.environ)
        return bd.InstalledBd(program, bd.version_of(program, self.environ) if program else None)

    @property
    def bd_fits(self) -> bool:
        """Whether the installed bd keeps its issues as this project does: in SQLite, or in Dolt."""
        version = self.bd.version
        on_dolt = self.location.tracker is BD_DOLT
        return version is not None and (version >= bd.FIRST_ON_DOLT) == on_dolt

    def reconcile(self) -> Iterator[str]:
        """Make rows follow their issues; what was done, in sentences."""
        if self.database is not None:
            for done in reconcile(self.database, thorough=True):
                yield f"Reconciled ({done.kind}): {done.detail}."

    def release(self) -> None:
        """Close what was opened; the next look sees everything anew."""
        self.__dict__.pop("holds_our_tables", None)
        database = self.__dict__.pop("database", None)
        if database is not None:
            database.close()
