"""Whether every row of ours has its parent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from adw_state.store.check import Check, Finding, Stage, Target, several
from adw_state.store.schema_repair import commands_that_rebuild
from adw_state.store.sqlite.connection import open_reader
from adw_state.store.sqlite.driver import EngineError
from adw_state.store.sqlite.faults import is_fault_of_statement, translate

_OUR_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")


def _look(target: Target) -> Iterator[Finding]:
    try:
        with closing(open_reader(target.path)) as reader:
            orphans = sum(
                len(reader.execute(f"PRAGMA foreign_key_check({table})").fetchall()) for table in _OUR_TABLES
            )
    except EngineError as error:
        if is_fault_of_statement(error):
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
