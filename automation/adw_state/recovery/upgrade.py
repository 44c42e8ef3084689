"""Previous tables make room for ours, and what they held comes in, in one transaction.

The backup is made under the lock, so it holds exactly what is replaced; it is then the source that is read.
Views go first: they may name tables of the tracker and would keep bd from opening its file. No table is
renamed, because a rename makes SQLite look at every view in the file, whoever made it. Foreign keys are off
while tables are dropped and made, so that nobody's rows are deleted along; in the end they are checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from adw_state.clock import Clock, default_clock, format_time
from adw_state.engine.sqlite.backup import Backup, back_up
from adw_state.engine.sqlite.connection import BUSY_TIMEOUT_SECONDS, IMMUTABLE, connect, open_writer
from adw_state.engine.sqlite.driver import Connection, EngineError
from adw_state.engine.transaction import Row, Transaction
from adw_state.errors import MigrationError
from adw_state.recovery.old_runs import EarlierDatabase, OldDatabase
from adw_state.schema import migrations, shape
from adw_state.schema.migration_files import Layout, known
from adw_state.schema.previous_tables import PreviousTables, look_for, recognise
from adw_state.shared_file.reconciliations import Reconciliation, record
from adw_state.store import sql
from adw_state.store.importing import Content, import_contents


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: rows that live in our tables, rows in the archives, and what was dropped."""

    found: PreviousTables
    executions: int
    executions_archived: int
    checkpoints: int
    checkpoints_archived: int
    attempts: int
    """Attempts, archived ones included. The earlier implementation kept none: these were derived."""
    dropped: tuple[str, ...]
    """Views and triggers that are gone, as `view recent_failures`."""
    backup: Backup


@dataclass(frozen=True, slots=True)
class Migrated:
    """What came of migrating: versions in their order, the backup, and the upgrade where there was one."""

    versions: tuple[str, ...]
    backup: Backup | None
    upgrade: Upgrade | None = None


def migrate(path: Path, *, may_make: bool, backup_folder: Path, clock: Clock | None = None) -> Migrated:
    """Apply what is pending, after a backup; previous tables are upgraded, their rows kept.

    Makes a sidecar where there is no file, if it `may_make` one. Raises `MigrationError` or
    `SchemaTooNewError`; what failed leaves nothing behind.
    """
    clock = clock or default_clock()
    done = None
    if path.exists() and path.stat().st_size > 0:
        done = upgrade(path, backup_folder=backup_folder, clock=clock)
    apply = migrations.create_store if may_make else migrations.apply
    applied = apply(path, backup_folder=backup_folder, clock=clock)
    if done is None:
        return Migrated(applied.versions, applied.backup)
    return Migrated(tuple(migration.version for migration in known()), done.backup, done)


def upgrade(path: Path, *, backup_folder: Path, clock: Clock, zone: tzinfo | None = None) -> Upgrade | None:
    """Replace previous tables by ours; None where there are none.

    `zone` is that of local times, by default the machine's. Raises `MigrationError`, after which the
    database is as it was.
    """
    if look_for(path) is None:
        return None
    with closing(open_writer(path, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)) as connection:
        try:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("BEGIN IMMEDIATE")
            found = recognise(connection)
            if found is None:
                return None  # another process was faster
            backup = back_up(path, backup_folder, "before-upgrade", clock.now())
            tx = Transaction(connection, format_time(clock.now()))
            layout = shape.layout_of(shape.present(connection))
            _make_room(connection, found, path, layout)
            _make_our_tables(connection, tx.now, layout)
            with closing(connect(backup.path, IMMUTABLE)) as source:
                _bring_over(tx, source, found, zone)
                if "adw_healings" in found.tables:
                    _keep_audit(connection, source)
            done = _outcome(tx, path, found, backup)
            connection.execute("COMMIT")
        except EngineError as error:
            raise MigrationError(
                f"the tables of {_whose(found)} in {path} could not be upgraded: {error}",
                hint=f"nothing was changed; backups are in {backup_folder}",
            ) from error
    return done


def _make_room(connection: Connection, found: PreviousTables, path: Path, layout: Layout) -> None:
    for view in found.views:
        connection.execute(f"DROP VIEW {view}")
    for table in found.tables:
        connection.execute(f"DROP TABLE {table}")
    shape.require_free_names(shape.expected(known(), layout).values(), shape.present(connection), path)


def _make_our_tables(connection: Connection, now: str, layout: Layout) -> None:
    for migration in known():
        for statement in migration.up(layout):
            connection.execute(statement)
        connection.execute(sql.load("migrations")["record"], migration.record(now))


def _bring_over(tx: Transaction, source: Connection, found: PreviousTables, zone: tzinfo | None) -> None:
    """Every row of the source finds its place, in our tables or in the archives."""
    contents: Iterator[Content]
    if found.are_ours:
        # What is called deleted there stays so, also beside issues: the file is the same.
        contents = OldDatabase(source, frozenset(found.tables)).contents()
    else:
        contents = EarlierDatabase(source, found, zone).contents(tx.now)
    import_contents(tx, contents, in_place=True)


def _keep_audit(connection: Connection, source: Connection) -> None:
    """What a version of before the release wrote down of what it put right, with the times of then."""
    for row in source.execute(sql.load("previous_tables")["audit"]).fetchall():
        noted = Reconciliation(
            row["kind"], row["old_issue_id"], row["new_issue_id"], row["executions"], row["detail"]
        )
        record(Transaction(connection, row["healed_at"]), [noted])


def _outcome(tx: Transaction, path: Path, found: PreviousTables, backup: Backup) -> Upgrade:
    (rows,) = tx.all(sql.load("previous_tables")["rows_now"])
    _require_nothing_lost(tx, path, found, rows)
    done = Upgrade(
        found=found,
        executions=rows["executions"],
        executions_archived=rows["executions_archived"],
        checkpoints=rows["checkpoints"],
        checkpoints_archived=rows["checkpoints_archived"],
        attempts=rows["attempts"] + rows["attempts_archived"],
        dropped=tuple(f"view {name}" for name in found.views) + tuple(f"trigger {t}" for t in found.triggers),
        backup=backup,
    )
    detail = (
        f"upgraded from {_whose(found)} ({', '.join((*found.tables, *found.views))}): "
        f"{done.executions:,} executions live, {done.executions_archived:,} archived; "
        f"{done.checkpoints:,} checkpoints live, {done.checkpoints_archived:,} archived"
    )
    record(tx, [Reconciliation("upgraded", None, None, done.executions + done.executions_archived, detail)])
    return done


def _require_nothing_lost(tx: Transaction, path: Path, found: PreviousTables, rows: Row) -> None:
    for what, before in (("executions", found.executions), ("checkpoints", found.checkpoints)):
        here = rows[what] + rows[f"{what}_archived"]
        if here < before:
            raise MigrationError(
                f"of {before:,} {what} in {path}, {here:,} came over",
                hint="nothing was changed; please report this",
            )
    dangling = [row["name"] for row in tx.all(sql.load("previous_tables")["dangling"])]
    if dangling:
        raise MigrationError(
            f"rows of {', '.join(dangling)} in {path} would refer to nothing",
            hint="nothing was changed; please report this",
        )


def _whose(found: PreviousTables | None) -> str:
    return "an earlier version" if found and found.are_ours else "an earlier implementation"
