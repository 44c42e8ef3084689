"""What a database is, seen when it is opened: ours, migrated far enough, and whether others use its file."""

from __future__ import annotations

import shlex

from adw_state.engine.transaction import Transaction
from adw_state.errors import NotMigratedError, SchemaTooNewError
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.sql import newest_version


def inspect(database: Database) -> bool:
    """Whether our tables lie beside the tracker's issues, with the foreign key.

    Raises `NotMigratedError` when our tables are missing or old, `SchemaTooNewError` when they are
    newer than this program.
    """
    return database.read(lambda tx: _inspect(tx, database))


def _inspect(tx: Transaction, database: Database) -> bool:
    texts = sql.load("opening")
    migrate = shlex.join(["adw", "migrate", "up", "--db", str(database.path)])
    tables = {row["name"]: row for row in tx.all(texts["our_tables"])}
    if not {"schema_version", "adw_executions"} <= tables.keys():
        raise NotMigratedError(
            f"{database.path} holds no executions yet",
            hint=f"run `{migrate}` once (it makes a backup first)",
        )
    executions = tables["adw_executions"]
    if not (executions["is_fenced"] and executions["has_phases"]):
        whose = "version" if executions["is_fenced"] else "implementation"
        raise NotMigratedError(
            f"{database.path} holds the executions of an earlier {whose}",
            hint=f"run `{migrate}` once; it keeps every row, and a backup",
        )
    row = tx.one(texts["newest_migration"])
    here, newest = (row["version"] if row else None) or "", newest_version()
    if here > newest:
        raise SchemaTooNewError(
            f"{database.path} was migrated to {here} by a newer version; this one knows {newest}",
            hint="update adw-state; nothing was changed",
        )
    if here < newest:
        raise NotMigratedError(
            f"{database.path} is at migration {here or 'none'}, this version needs {newest}",
            hint=f"run `{migrate}` once (it makes a backup first)",
        )
    return is_in_shared_file(tx)


def is_in_shared_file(tx: Transaction) -> bool:
    """Whether our executions refer to rows that are not ours: a tracker's issues, in whose file they lie."""
    return bool(tx.all(sql.load("opening")["foreign_keys"])[0]["found"])
