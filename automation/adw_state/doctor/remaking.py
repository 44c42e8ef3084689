"""Views and triggers of ours that are dangerous, changed or missing are made anew; they hold no rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adw_state.doctor.guests import look_for_guests
from adw_state.doctor.patient import Patient
from adw_state.errors import MigrationError
from adw_state.store import schema
from adw_state.store.connection import open_reader
from adw_state.store.database import Database
from adw_state.store.migration_files import Migration
from adw_state.store.migration_status import applied_migrations
from adw_state.store.schema import SchemaObject
from adw_state.store.transaction import Transaction

_KINDS = ("view", "trigger")


def remake_views_and_triggers(patient: Patient) -> Iterator[str]:
    """Drop what would stop bd, and make what our migrations made; what was done, in sentences."""
    path, beside_issues = patient.location.database, patient.location.beside_issues
    applied = _applied(path)
    want = schema.expected(applied, beside_issues=beside_issues)
    texts = _texts(applied, beside_issues=beside_issues)
    with closing(open_reader(path)) as reader:
        stored, found = schema.present(reader), look_for_guests(reader)
    dangerous = {one.name for one in found.guilty} | {name for name, _ in found.curious}
    wrong = {name for name in texts if _is_ours_and_wrong(stored.get(name), want[name])}
    drop = sorted((dangerous & found.ours) | (wrong & {*stored}))
    make = sorted(
        name
        for name in (wrong | dangerous & found.ours) & {*texts}
        if want[name].kind == "view" or want[name].table in stored
    )
    if not (drop or make):
        return

    def unit(tx: Transaction) -> None:
        for name in drop:
            tx.execute(f'DROP {stored[name].kind} "{name}"')
        for name in make:
            tx.execute(texts[name])

    with closing(Database(path, clock=patient.clock)) as database:
        database.write(unit)
    yield from (f"Dropped the {stored[name].kind} {name}." for name in drop if name not in make)
    yield from (f"Made the {want[name].kind} {name} anew." for name in make)


def _is_ours_and_wrong(seen: SchemaObject | None, wanted: SchemaObject) -> bool:
    """Whether it is missing, or there in another shape; what is of another kind is somebody else's."""
    if seen is None:
        return True
    return seen != wanted and (seen.kind, seen.table) == (wanted.kind, wanted.table)


def _applied(path: Path) -> tuple[Migration, ...]:
    try:
        return applied_migrations(path)
    except MigrationError:
        return ()  # made by a program before ours: nothing is to be made anew, what is dangerous goes


def _texts(applied: tuple[Migration, ...], *, beside_issues: bool) -> dict[str, str]:
    """The statements that make our views and triggers."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        empty.execute("CREATE TABLE issues (id TEXT PRIMARY KEY)")
        for migration in applied:
            for statement in migration.up(beside_issues=beside_issues):
                empty.execute(statement)
        rows = empty.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    return {name: text for name, kind, text in rows if kind in _KINDS}
