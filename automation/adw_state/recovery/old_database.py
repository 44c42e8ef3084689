"""Opening an old database file: read-only, as it is, whatever state it is in.

A file without a log is read where it lies, by a connection that takes no lock and makes no side file.
One with a log, one that an earlier version of ours made, and one in which the tracker renamed or deleted
issues after our last look are read from a private copy, which is first brought up to date and reconciled. Of
a damaged file the readable rows are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from adw_state.clock import Clock, format_time
from adw_state.errors import AdwError, SchemaTooNewError
from adw_state.recovery.old_runs import OldDatabase
from adw_state.recovery.salvage import salvage
from adw_state.recovery.upgrade import migrate
from adw_state.shared_file import needs_reconciling, reconcile
from adw_state.store.database import Database
from adw_state.store.previous_tables import recognise
from adw_state.store.runs import ARCHIVES, LIVE_TABLES
from adw_state.store.sql import newest_version
from adw_state.store.sqlite.connection import IMMUTABLE, connect
from adw_state.store.sqlite.driver import Connection, EngineError
from adw_state.store.sqlite.faults import translating
from adw_state.store.sqlite.private_copy import copy_privately, scratch_folder
from adw_state.store.transaction import Transaction
from adw_state.trackers.database_file import read_header


@contextmanager
def open_old(path: Path, clock: Clock) -> Iterator[OldDatabase | None]:
    """The database at `path`, to be read; None where none of our tables is in it.

    Raises:
        DatabaseError: it cannot be read at all, or a newer version of ours made it.
        StoreBusyError: somebody keeps writing to it.
    """
    read_header(path)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        copied = _has_log(path)
        file = copy_privately(path, folder) if copied else path
        connection = stack.enter_context(_reading(file, path, copied=copied))
        tables = _tables(connection, path)
        if not tables & {"adw_executions", "adw_executions_archive"}:
            yield None
            return
        _require_understood(connection, path, tables)
        notes: tuple[str, ...] = ()
        if not _is_sound(connection):
            file = folder / "salvaged.sqlite3"
            notes = tuple(salvage(connection, sorted(tables & {*LIVE_TABLES, *ARCHIVES}), file))
            connection = stack.enter_context(_reading(file, path, copied=True))
        elif _is_behind(connection, tables, clock):
            connection.close()
            file = file if copied else copy_privately(path, folder)
            notes = _bring_up_to_date(file, folder, clock, beside_issues="issues" in tables)
            connection = stack.enter_context(_reading(file, path, copied=True))
        present = frozenset(_tables(connection, path) & {*LIVE_TABLES, *ARCHIVES})
        yield OldDatabase(connection, present, "issues" in tables, notes)


@contextmanager
def _reading(file: Path, original: Path, *, copied: bool) -> Iterator[Connection]:
    with closing(connect(file, "rw" if copied else IMMUTABLE)) as connection, translating(original):
        connection.execute("PRAGMA query_only = ON")
        yield connection


def _has_log(path: Path) -> bool:
    logs = (Path(f"{path}{suffix}") for suffix in ("-wal", "-journal"))
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def _tables(connection: Connection, path: Path) -> set[str]:
    with translating(path):
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {row["name"] for row in rows}


def _require_understood(connection: Connection, path: Path, tables: set[str]) -> None:
    version = _version(connection, tables)
    if version is not None and version > newest_version():
        raise SchemaTooNewError(
            f"{path} was migrated to {version} by a newer version; this one knows {newest_version()}",
            hint="update adw-state; nothing was changed",
        )


def _version(connection: Connection, tables: set[str]) -> str | None:
    if "schema_version" not in tables:
        return None
    try:
        row = connection.execute("SELECT max(version) AS version FROM schema_version").fetchone()
    except EngineError:
        return None  # another application's table, or damaged
    return None if row["version"] is None else str(row["version"])


def _is_sound(connection: Connection) -> bool:
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except EngineError:
        return False
    return [row[0] for row in found] == ["ok"]


def _is_behind(connection: Connection, tables: set[str], clock: Clock) -> bool:
    """Whether an upgrade, migrations or reconciliations are due."""
    if _version(connection, tables) != newest_version() or recognise(connection) is not None:
        return True
    if "issues" not in tables:
        return False
    try:
        return needs_reconciling(Transaction(connection, format_time(clock.now())))
    except EngineError:
        return True  # a tracker's file of another shape; reconciliation a copy of it tells what is wrong


def _bring_up_to_date(copy: Path, folder: Path, clock: Clock, *, beside_issues: bool) -> tuple[str, ...]:
    try:
        migrate(copy, beside_issues=beside_issues, backup_folder=folder / "backups", clock=clock)
        with closing(Database(copy, clock=clock)) as database:
            reconcile(database)
    except AdwError as error:
        return (f"it is read as it is, because it cannot be brought up to date: {error}",)
    return ()
