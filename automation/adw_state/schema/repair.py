"""Our schema made as the migrations make it: views and triggers at once, because they hold no rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adw_state.clock import Clock
from adw_state.engine.sqlite.connection import open_reader
from adw_state.engine.transaction import Transaction
from adw_state.errors import MigrationError
from adw_state.schema import shape
from adw_state.schema.check import Target
from adw_state.schema.migration_files import Layout, Migration, known
from adw_state.schema.migration_status import applied_migrations
from adw_state.schema.shape import SchemaObject
from adw_state.store.database import Database

_KINDS = ("view", "trigger")


def remake_views_and_triggers(
    path: Path, clock: Clock, *, unwanted: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Drop what is unwanted or wrong, and make what our migrations made; what was done, in sentences."""
    applied = _applied(path)
    with closing(open_reader(path)) as reader:
        stored = shape.present(reader)
    layout = shape.layout_of(stored)
    want, texts = shape.expected(applied, layout), _texts(applied, layout)
    wrong = {name for name in texts if _is_ours_and_wrong(stored.get(name), want[name])}
    drop = sorted((unwanted | wrong) & {*stored})
    make = sorted(
        name
        for name in (wrong | unwanted) & {*texts}
        if want[name].kind == "view" or want[name].table in stored
    )
    if not (drop or make):
        return

    def unit(tx: Transaction) -> None:
        for name in drop:
            tx.execute(f'DROP {stored[name].kind} "{name}"')
        for name in make:
            tx.execute(texts[name])

    with closing(Database(path, clock=clock)) as database:
        database.write(unit)
    yield from (f"Dropped the {stored[name].kind} {name}." for name in drop if name not in make)
    yield from (f"Made the {want[name].kind} {name} anew." for name in make)


def commands_that_rebuild(target: Target) -> str:
    """Commands that take our tables out, after a backup, make them anew, and fetch the rows back."""
    first = known()[0].version
    commands = (f"adw migrate rollback {first}", "adw migrate up", "adw restore")
    return "; ".join(target.command(words) for words in commands)


def _is_ours_and_wrong(seen: SchemaObject | None, wanted: SchemaObject) -> bool:
    """Whether it is missing, or there in another shape; what is of another kind is somebody else's."""
    if seen is None:
        return True
    return seen != wanted and (seen.kind, seen.table) == (wanted.kind, wanted.table)


def _applied(path: Path) -> tuple[Migration, ...]:
    try:
        return applied_migrations(path)
    except MigrationError:
        return ()  # made by a program before ours: nothing is to be made anew, what is unwanted goes


def _texts(applied: tuple[Migration, ...], layout: Layout) -> dict[str, str]:
    """The statements that make our views and triggers."""
    with closing(shape.made_by(applied, layout)) as made:
        rows = made.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    return {name: text for name, kind, text in rows if kind in _KINDS}
