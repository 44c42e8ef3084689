"""The migration runner.

Each migration and its record are one transaction; what is still to be done is looked up again under
the lock, so ten processes may apply at once. Before anything changes, the database is copied
(`backup`), and afterwards its schema is compared with what the migrations make (`schema`). A file that
was applied and edited later, and a database that a newer version migrated, are refused. Rollback takes
back everything above a version too, newest first; the SQL for it comes from the files, never from the
database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.clock import Clock, default_clock, format_time
from adw_state.engine.sqlite.backup import Backup, back_up
from adw_state.engine.sqlite.connection import BUSY_TIMEOUT_SECONDS, open_new, open_reader, open_writer
from adw_state.engine.sqlite.driver import Connection, EngineError
from adw_state.engine.sqlite.faults import translate
from adw_state.errors import (
    DatabaseReadOnlyError,
    DatabaseUnreadableError,
    InvalidInputError,
    MigrationError,
    StoreFaultError,
)
from adw_state.gate import Gate
from adw_state.schema import shape
from adw_state.schema.migration_files import Layout, Migration, known
from adw_state.schema.migration_status import (
    applied_migrations,
    recorded,
    require_understood,
    require_valid,
    status,
)
from adw_state.store import sql

_GATE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What apply or rollback did: versions in the order in which they were handled."""

    versions: tuple[str, ...]
    backup: Backup | None


def apply(path: Path, *, backup_folder: Path, clock: Clock | None = None) -> Outcome:
    """Apply what is pending, after a backup; nothing pending changes nothing and copies nothing.

    Raises `MigrationError` or `SchemaTooNewError`; what failed leaves nothing behind.
    """
    clock = clock or default_clock()
    with closing(Gate(path.parent, _GATE_SECONDS)) as gate, gate:
        require_understood(status(path), path)
        layout = _layout_with_free_names(path)
        waiting = [step for step in status(path) if step.state == "pending"]
        backup = None
        if waiting and not _holds_nothing(path):
            backup = back_up(path, backup_folder, f"before-{waiting[0].version}", clock.now())
        connection = open_writer(path, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
        try:
            done = [m for m in known() if _apply_one(connection, path, m, clock, layout)]
        finally:
            connection.close()
    require_valid(path)
    return Outcome(tuple(migration.version for migration in done), backup)


def rows_dropped_by_rollback(path: Path, version: str) -> dict[str, int]:
    """How many rows each table holds that a rollback to before `version` would drop."""
    _to_take_back(path, version)
    before = shape.expected(_older_than(version), Layout.OWN_FILE)
    after = shape.expected(known(), Layout.OWN_FILE)
    connection = open_reader(path)
    try:
        have = shape.present(connection)
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - our own names
            for name, found in after.items()
            if found.kind == "table" and name not in before and name in have
        }
    finally:
        connection.close()


def roll_back(path: Path, version: str, *, backup_folder: Path, clock: Clock | None = None) -> Outcome:
    """Take back `version` and everything above it, newest first, after a backup."""
    clock = clock or default_clock()
    with closing(Gate(path.parent, _GATE_SECONDS)) as gate, gate:
        doomed = _to_take_back(path, version)
        if not doomed:
            return Outcome((), None)
        backup = back_up(path, backup_folder, f"before-rollback-{version}", clock.now())
        connection = open_writer(path)
        try:
            done = [m for m in reversed(doomed) if _take_back_one(connection, path, m)]
        finally:
            connection.close()
    return Outcome(tuple(migration.version for migration in done), backup)


def create_store(path: Path, *, backup_folder: Path, clock: Clock | None = None) -> Outcome:
    """Make a sidecar at `path` where there is none, and apply every migration.

    For the store beside a tracker only: a tracker's file is never created here. The file is readable by
    its owner only and keeps a write-ahead log, so that readers and a writer do not block each other.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except IsADirectoryError as error:
        raise DatabaseUnreadableError(f"{path} is a folder, not a database", hint="name a file") from error
    except OSError as error:
        raise DatabaseReadOnlyError(
            f"{path} cannot be made: {error.strerror}", hint="check the permissions of its folder"
        ) from error
    with closing(Gate(path.parent, _GATE_SECONDS)) as gate, gate:
        if path.stat().st_size == 0:
            open_new(path, with_log=True).close()
    return apply(path, backup_folder=backup_folder, clock=clock)


def _layout_with_free_names(path: Path) -> Layout:
    """Whose file it is. Raises `MigrationError` where somebody else uses a name that we need."""
    with closing(open_reader(path)) as connection:
        have = shape.present(connection)
    layout = shape.layout_of(have)
    have_by_us = shape.expected(applied_migrations(path), layout)
    new = [wanted for name, wanted in shape.expected(known(), layout).items() if name not in have_by_us]
    shape.require_free_names(new, have, path)
    return layout


def _holds_nothing(path: Path) -> bool:
    connection = open_reader(path)
    try:
        return not shape.present(connection)
    finally:
        connection.close()


def _apply_one(
    connection: Connection, path: Path, migration: Migration, clock: Clock, layout: Layout
) -> bool:
    """Whether this process applied it; another one may have been faster."""
    record = ("record", migration.record(format_time(clock.now())))
    return _change(connection, path, migration, migration.up(layout), record, wanted=False)


def _take_back_one(connection: Connection, path: Path, migration: Migration) -> bool:
    forget = ("forget", {"version": migration.version})
    return _change(connection, path, migration, migration.down(), forget, wanted=True)


def _change(
    connection: Connection,
    path: Path,
    migration: Migration,
    statements: Sequence[str],
    note: tuple[str, Mapping[str, object]],
    *,
    wanted: bool,
) -> bool:
    """Run the statements and note them, in one transaction, if `applied` is what is wanted under the lock."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (migration.version in recorded(connection)) != wanted:
                connection.execute("ROLLBACK")
                return False
            for statement in statements:
                connection.execute(statement)
            if "schema_version" in shape.present(connection):
                connection.execute(sql.load("migrations")[note[0]], note[1])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except EngineError as error:
        translated = translate(error, path)
        if not isinstance(translated, StoreFaultError):
            raise translated from error  # locked, read-only, full: that is not the migration's fault
        raise MigrationError(
            f"migration {migration.version} ({migration.name}) failed on {path}: {error}",
            hint="nothing of it was kept; the backup made before it is untouched",
        ) from error
    return True


def _older_than(version: str) -> tuple[Migration, ...]:
    return tuple(migration for migration in known() if migration.version < version)


def _to_take_back(path: Path, version: str) -> list[Migration]:
    require_understood(status(path), path)
    versions = [migration.version for migration in known()]
    if version not in versions:
        raise InvalidInputError(
            f"there is no migration {version!r}", hint=f"the migrations are {', '.join(versions)}"
        )
    return [migration for migration in applied_migrations(path) if migration.version >= version]
