"""Whom the doctor looks at: a project's database, where it lies, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from adw_state.clock import Clock
from adw_state.errors import AdwError
from adw_state.store import opening
from adw_state.store.database import Database
from adw_state.trackers.locate import Location


@dataclass(frozen=True)
class Patient:
    """`named` says that the database was named with --db; `here` is where the user stands."""

    location: Location
    clock: Clock
    environ: Mapping[str, str]
    here: Path
    named: bool = False

    @cached_property
    def database(self) -> Database | None:
        """The database, if it is there and migrated as far as this version knows."""
        if not self.location.database_exists():
            return None
        database = Database(self.location.database, clock=self.clock, retry_delays_seconds=())
        try:
            opening.inspect(database)
        except AdwError:
            database.close()
            return None
        return database

    def release(self) -> None:
        """Close what was opened; the next look opens it anew."""
        if self.__dict__.get("database") is not None:
            self.__dict__["database"].close()
        self.__dict__.pop("database", None)
