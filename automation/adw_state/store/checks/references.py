"""Whether every row of ours has its parent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from adw_state.store.check import Check, Finding, Stage, Target, several
from adw_state.store.connection import open_reader
from adw_state.store.faults import primary_code, translate
from adw_state.store.schema_repair import commands_that_rebuild

_OUR_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")


def _look(target: Target) -> Iterator[Finding]:
    try:
        with closing(open_reader(target.path)) as reader:
            orphans = sum(
                len(reader.execute(f"PRAGMA foreign_key_check({table})").fetchall()) for table in _OUR_TABLES
            )
    except sqlite3.Error as error:
        if primary_code(error) == sqlite3.SQLITE_ERROR:
            return  # no such table: the check of the schema says so
        raise translate(error, target.path) from error
    if orphans:
        what = f"{several(orphans, 'row')} without a parent."
        if target.beside_issues:
            yield Finding("warning", what, fix=target.command("adw doctor --fix"), fixable=True)
        else:
            yield Finding("warning", what, "Their execution is gone.", fix=commands_that_rebuild(target))
    else:
        yield Finding("ok", "Every row has its parent.")


CHECK = Check(
    "references",
    Stage.SCHEMA,
    _look,
    why="Rows without a parent make bd refuse to open the database in multi-repo mode.",
    fix=lambda target: target.reconcile(),
    fix_changes_database=True,
)
