"""Our schema made as the migrations make it: views and triggers at once, because they hold no rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adw_state.clock import Clock
from adw_state.errors import MigrationError
from adw_state.store import schema
from adw_state.store.check import Target
from adw_state.store.database import Database
from adw_state.store.migration_files import Migration, known
from adw_state.store.migration_status import applied_migrations
from adw_state.store.schema import SchemaObject
from adw_state.store.sqlite.connection import open_reader
from adw_state.store.sqlite.driver import open_in_memory
from adw_state.store.transaction import Transaction

_KINDS = ("view", "trigger")


def remake_views_and_triggers(
    path: Path, clock: Clock, *, beside_issues: bool, unwanted: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Drop what is unwanted or wrong, and make what our migrations made; what was done, in sentences."""
    applied = _applied(path)
    want = schema.expected(applied, beside_issues=beside_issues)
    texts = _texts(applied, beside_issues=beside_issues)
    with closing(open_reader(path)) as reader:
        stored = schema.present(reader)
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


def _texts(applied: tuple[Migration, ...], *, beside_issues: bool) -> dict[str, str]:
    """The statements that make our views and triggers."""
    with closing(open_in_memory()) as empty:
        empty.execute("CREATE TABLE issues (id TEXT PRIMARY KEY)")
        for migration in applied:
            for statement in migration.up(beside_issues=beside_issues):
                empty.execute(statement)
        rows = empty.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    return {name: text for name, kind, text in rows if kind in _KINDS}
