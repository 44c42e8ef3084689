"""Databases that tests of the migrations change and compare."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from adw_state.clock import SettableClock
from adw_state.schema import migrations
from adw_state.schema.migration_files import known
from adws.tests.conftest import NOW

ALL = tuple(migration.version for migration in known())


def apply(path: Path) -> migrations.Outcome:
    return migrations.apply(path, backup_folder=path.parent / "backups", clock=SettableClock(NOW))


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every object of the database with its text, and every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        objects = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
        ).fetchall()
        tables = [name for kind, name, *_ in objects if kind == "table"]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    return {"objects": objects, **rows}


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
