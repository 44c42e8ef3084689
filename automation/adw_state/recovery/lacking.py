"""Whether a source holds history that the present database lacks, without writing or rehearsing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from adw_state.clock import Clock
from adw_state.recovery.old_database import open_old
from adw_state.recovery.old_runs import read_executions
from adw_state.recovery.restoring import Source
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.importing import Progress, progress
from adw_state.store.transaction import Row, Transaction

Known = Mapping[str, tuple[str, Progress]]
"""Executions by id: when each began, and how far it is."""


def known_executions(database: Database) -> Known:
    """How far every execution is that the database knows, live or archived."""

    def unit(tx: Transaction) -> Known:
        texts = sql.load("restore")
        known = _furthest(tx.all(texts["progress_of_archived"]))
        return {**known, **_furthest(tx.all(texts["progress_of_living"]))}

    return database.read(unit)


def count_lacking(known: Known, source: Source, clock: Clock) -> int:
    """How many executions of a source are not known, or further there than known here.

    One whose id belongs to another run here does not count: it cannot come in.
    """
    lacking = 0
    with _executions_of(source, clock) as executions:
        for values in executions:
            began, here = known.get(str(values["id"]), (None, None))
            if here is None or (began == values["started_at"] and here < progress(values)):
                lacking += 1
    return lacking


@contextmanager
def _executions_of(source: Source, clock: Clock) -> Iterator[Iterable[Mapping[str, object]]]:
    if source.json_states is not None:
        yield (run.execution.values for run in source.json_states.runs())
        return
    with open_old(source.path, clock) as old:
        yield (row.values for row in read_executions(old)) if old else ()


def _furthest(rows: Iterable[Row]) -> dict[str, tuple[str, Progress]]:
    found: dict[str, tuple[str, Progress]] = {}
    for row in rows:
        here = (row["started_at"], progress(row))
        if row["id"] not in found or found[row["id"]][1] < here[1]:
            found[row["id"]] = here
    return found
