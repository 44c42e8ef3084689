"""Opening an old database file: read-only, as it is, whatever state it is in.

A file without a log is read where it lies, by a connection that takes no lock and makes no side file.
One with a log, one that an earlier version of ours made, and one in which the tracker renamed or deleted
issues after our last look are read from a private copy, which is first brought up to date and reconciled.
Of a damaged file what can be read is read: each of our tables from its beginning up to the damage, and from
its end back to it, by row number and without any index.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from adw_state.clock import Clock, format_time
from adw_state.engine.sqlite.connection import IMMUTABLE, connect, open_new
from adw_state.engine.sqlite.driver import Connection, EngineError
from adw_state.engine.sqlite.faults import translating
from adw_state.engine.sqlite.private_copy import copy_privately, scratch_folder
from adw_state.engine.transaction import Transaction
from adw_state.errors import AdwError, DatabaseUnreadableError, SchemaTooNewError
from adw_state.recovery.old_runs import OldDatabase
from adw_state.recovery.upgrade import migrate
from adw_state.schema import shape
from adw_state.schema.previous_tables import recognise
from adw_state.shared_file import needs_reconciling, reconcile
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.runs import ARCHIVES, LIVE_TABLES
from adw_state.store.sql import newest_version
from adw_state.trackers.database_file import read_header


@contextmanager
def open_old(path: Path, clock: Clock) -> Iterator[OldDatabase]:
    """The database at `path`, to be read; it may have none of our tables.

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
        tables = _tables(connection)
        if not tables & {"adw_executions", "adw_executions_archive"}:
            yield OldDatabase(connection, frozenset())
            return
        _require_understood(connection, path, tables)
        notes: tuple[str, ...] = ()
        if not _is_sound(connection):
            file = folder / "salvaged.sqlite3"
            notes = tuple(_salvage(connection, sorted(tables & {*LIVE_TABLES, *ARCHIVES}), file))
            connection = stack.enter_context(_reading(file, path, copied=True))
        elif _is_behind(connection, tables, clock):
            connection.close()
            file = file if copied else copy_privately(path, folder)
            notes = _bring_up_to_date(file, folder, clock)
            connection = stack.enter_context(_reading(file, path, copied=True))
        present = frozenset(_tables(connection) & {*LIVE_TABLES, *ARCHIVES})
        yield OldDatabase(connection, present, "issues" in tables, notes)


@contextmanager
def _reading(file: Path, original: Path, *, copied: bool) -> Iterator[Connection]:
    with closing(connect(file, "rw" if copied else IMMUTABLE)) as connection, translating(original):
        connection.execute("PRAGMA query_only = ON")
        yield connection


def _has_log(path: Path) -> bool:
    logs = (Path(f"{path}{suffix}") for suffix in ("-wal", "-journal"))
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def _tables(connection: Connection) -> set[str]:
    return {name for name, found in shape.present(connection).items() if found.kind == "table"}


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
        row = connection.execute(sql.load("opening")["newest_migration"]).fetchone()
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


def _bring_up_to_date(copy: Path, folder: Path, clock: Clock) -> tuple[str, ...]:
    try:
        migrate(copy, may_make=False, backup_folder=folder / "backups", clock=clock)
        with closing(Database(copy, clock=clock)) as database:
            reconcile(database)
    except AdwError as error:
        return (f"it is read as it is, because it cannot be brought up to date: {error}",)
    return ()


def _salvage(damaged: Connection, tables: list[str], target: Path) -> list[str]:
    """Copy these tables' readable rows into a new database at `target`; a sentence per damaged table.

    The copy has the same columns and no constraint. Raises `DatabaseUnreadableError` when not even the list
    of tables can be read.
    """
    notes = []
    with closing(open_new(target)) as copy:
        copy.execute("BEGIN")
        for table in tables:
            columns = _columns(damaged, table)
            names = ", ".join(_quoted(column) for column in columns)
            copy.execute(f"CREATE TABLE {_quoted(table)} ({names})")
            marks = ", ".join("?" * len(columns))
            reader = _Reader(damaged, table, names)
            copy.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", reader)  # noqa: S608 - our names
            if reader.damage:
                notes.append(f"{table} is damaged ({reader.damage}); {reader.rows:,} of its rows were read")
        copy.execute("COMMIT")
    return notes


class _Reader:
    """The readable rows of one table, from both ends."""

    def __init__(self, connection: Connection, table: str, columns: str) -> None:
        self._connection = connection
        self._text = f"SELECT rowid, {columns} FROM {_quoted(table)} NOT INDEXED"  # noqa: S608 - our names
        self.rows = 0
        self.damage: str | None = None

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        reached: int | None = None
        for rowid, row in self._walk("rowid > ?", "ORDER BY rowid"):
            reached = rowid
            self.rows += 1
            yield row
        if self.damage is None:
            return
        for rowid, row in self._walk("rowid < ?", "ORDER BY rowid DESC"):
            if reached is not None and rowid <= reached:
                return
            self.rows += 1
            yield row

    def _walk(self, beyond: str, order: str) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Rows in one direction up to the damage: many at a time, and one by one where that failed.

        Python looks one row ahead, so the last row before the damage comes only when it is asked for alone.
        """
        last: int | None = None
        try:
            for rowid, *row in self._connection.execute(f"{self._text} {order}"):
                last = rowid
                yield last, tuple(row)
        except EngineError as error:
            self.damage = str(error)
        else:
            return
        with suppress(EngineError):
            while found := self._one(beyond, order, last):
                last = found[0]
                yield found

    def _one(self, beyond: str, order: str, last: int | None) -> tuple[int, tuple[object, ...]] | None:
        where, values = (f"WHERE {beyond}", (last,)) if last is not None else ("", ())
        for rowid, *row in self._connection.execute(f"{self._text} {where} {order} LIMIT 1", values):
            return rowid, tuple(row)
        return None


def _columns(connection: Connection, table: str) -> list[str]:
    try:
        rows = connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,)).fetchall()
    except EngineError as error:
        raise DatabaseUnreadableError(f"its schema cannot be read: {error}") from error
    return [name for (name,) in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
