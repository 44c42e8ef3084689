"""What the schema must be, and how a database differs from it.

The expected schema is made, not written down a second time: the migrations run on an empty database in
memory, and what they leave there is compared, object by object, with what the file holds: tables with
their columns and foreign keys, indexes, triggers and views, and the table each belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from adw_state.engine.sqlite.driver import Connection, open_in_memory
from adw_state.errors import MigrationError
from adw_state.schema.migration_files import Layout, Migration

_OBJECTS = "SELECT type, name, tbl_name, sql FROM {database}.sqlite_master WHERE sql IS NOT NULL"
_TRACKER_STAND_IN = "CREATE TABLE issues (id TEXT PRIMARY KEY)"


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One table, index, trigger or view: what it is, whose it is, and its text without layout."""

    kind: str
    name: str
    table: str
    text: str


def layout_of(have: dict[str, SchemaObject]) -> Layout:
    """Whose file a database with these objects is: a tracker's has a table of issues."""
    issues = have.get("issues")
    return Layout.SHARED_FILE if issues is not None and issues.kind == "table" else Layout.OWN_FILE


def expected(migrations: tuple[Migration, ...], layout: Layout) -> dict[str, SchemaObject]:
    """The objects that these migrations leave behind, by name."""
    return dict(_expected(migrations, layout))


def present(connection: Connection) -> dict[str, SchemaObject]:
    """Every object of a database, the tracker's included, by name."""
    rows = connection.execute(_OBJECTS.format(database="main")).fetchall()
    return {name: SchemaObject(kind, name, table, _bare(text)) for kind, name, table, text in rows}


def differences(want: dict[str, SchemaObject], have: dict[str, SchemaObject]) -> list[str]:
    """One sentence per expected object that is missing, belongs to another table, or differs."""
    found = []
    for name, wanted in want.items():
        seen = have.get(name)
        if seen is None:
            found.append(f"{wanted.kind} {name} is missing")
        elif (seen.kind, seen.table) != (wanted.kind, wanted.table):
            found.append(f"{name} is a {seen.kind} of {seen.table}, not our {wanted.kind} of {wanted.table}")
        elif seen.text != wanted.text:
            found.append(f"{wanted.kind} {name} differs from what the migrations make")
    return found


def require_free_names(want: Iterable[SchemaObject], have: dict[str, SchemaObject], path: Path) -> None:
    """Raise `MigrationError` where somebody else uses the name of an object that is still to be made."""
    taken = {name.lower(): found for name, found in have.items()}  # as SQLite compares names
    found = (taken[new.name] for new in want if new.name in taken)
    if problems := [f"{one.kind} {one.name} exists already and belongs to {one.table}" for one in found]:
        raise MigrationError(
            f"{path} cannot take our tables: " + "; ".join(problems),
            hint="rename or drop what is in the way (after a backup), then apply again; nothing was changed",
        )


@cache
def _expected(migrations: tuple[Migration, ...], layout: Layout) -> dict[str, SchemaObject]:
    with closing(made_by(migrations, layout)) as connection:
        return {name: found for name, found in present(connection).items() if name != "issues"}


def made_by(migrations: Iterable[Migration], layout: Layout) -> Connection:
    """A database in memory with what these migrations make."""
    connection = open_in_memory()
    if layout is Layout.SHARED_FILE:
        connection.execute(_TRACKER_STAND_IN)
    for migration in migrations:
        for statement in migration.up(layout):
            connection.execute(statement)
    return connection


def _bare(text: str) -> str:
    # A rename of the tracker's table rewrites the name in our foreign key with quotes around it.
    without_comments = re.sub(r"--[^\n]*", "", text)
    return re.sub(r"[\s\"`\[\]]+", "", without_comments).lower()
