"""Where history may come back from: old databases and JSON states, and whether they hold what is lacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from adw_state.clock import Clock, parse_time
from adw_state.errors import AdwError, InvalidInputError
from adw_state.recovery.json_states import JsonStates
from adw_state.recovery.old_database import open_old
from adw_state.recovery.old_runs import OldDatabase
from adw_state.recovery.places import OldFile
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.importing import Progress, progress
from adw_state.store.runs import RowCounts

Known: TypeAlias = Mapping[str, tuple[str, Progress]]
"""Executions by id: when each began, and how far it is."""


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

    @contextmanager
    def open(self, clock: Clock) -> Iterator[OldDatabase | JsonStates]:
        """What lies there, to be read. Raises `DatabaseError` and its kinds."""
        if self.json_states is not None:
            yield self.json_states
            return
        with open_old(self.path, clock) as old:
            yield old


@dataclass(frozen=True, slots=True)
class Survey:
    """The sources that hold history, newest first, and a sentence per file that cannot be read."""

    sources: tuple[Source, ...]
    unreadable: tuple[str, ...]


def survey(files: Sequence[OldFile], project: Path | None, clock: Clock) -> Survey:
    """What these files hold, and the JSON states of `project` where one is given. Writes nothing."""
    sources, unreadable = [], []
    for old in files:
        try:
            with open_old(old.path, clock) as database:
                sources.append(_source(old.path, old.what, database))
        except AdwError as error:
            unreadable.append(str(error) if str(old.path) in str(error) else f"{old.path}: {error}")
    if project is not None:
        states = JsonStates(project)
        sources.append(_source(states.folder, "JSON states", states))
        unreadable += states.unreadable
    holding = [source for source in sources if source.rows != RowCounts()]
    return Survey(tuple(sorted(holding, key=_newest_first)), tuple(unreadable))


def known_executions(database: Database) -> Known:
    """How far every execution is that the database knows, live or archived."""
    rows = database.read(lambda tx: tx.all(sql.load("restore")["progress"]))
    return {row["id"]: (row["started_at"], progress(row)) for row in rows}


def count_lacking(known: Known, source: Source, clock: Clock) -> int:
    """How many executions of a source are not known, or further there than known here.

    One whose id belongs to another run here does not count: it cannot come in. Nothing is written.
    """
    lacking = 0
    with source.open(clock) as held:
        for execution in held.executions():
            began, here = known.get(str(execution.values["id"]), (None, None))
            there = execution.values["started_at"], progress(execution.values)
            if here is None or (began == there[0] and here < there[1]):
                lacking += 1
    return lacking


def _source(path: Path, what: str, held: OldDatabase | JsonStates) -> Source:
    rows, newest = held.summary()
    states = held if isinstance(held, JsonStates) else None
    return Source(path, what, _moment(newest), rows, held.notes, states)


def _newest_first(source: Source) -> tuple[float, str]:
    return (-source.newest.timestamp() if source.newest else 0.0, str(source.path))


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except InvalidInputError:
        return None
