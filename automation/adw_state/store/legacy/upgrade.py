"""The upgrade itself: one transaction after a backup; killed anywhere, nothing has happened.

Views go first: they name tables of the tracker and would keep bd from opening its file. No table is
renamed, because a rename makes SQLite look at every view in the file, whoever made it. Foreign keys are
off while tables are dropped and made, so that nobody's rows are deleted along; in the end they are
checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from adw_state.clock import Clock, format_time
from adw_state.errors import MigrationError
from adw_state.store import schema, sql
from adw_state.store.legacy.moving import Mover
from adw_state.store.legacy.recognition import Legacy, recognise
from adw_state.store.migration_files import known
from adw_state.store.sqlite.backup import Backup, back_up
from adw_state.store.sqlite.connection import BUSY_TIMEOUT_SECONDS, open_reader, open_writer
from adw_state.store.sqlite.driver import Connection, EngineError, Row
from adw_state.store.sqlite.faults import translate


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: rows that live in our tables, rows in the archives, and what was dropped."""

    executions: int
    executions_archived: int
    checkpoints: int
    checkpoints_archived: int
    attempts: int
    """Attempts that could be derived, archived ones included; the earlier implementation kept none."""
    dropped: tuple[str, ...]
    """Views and triggers that are gone, as `view recent_failures`."""
    versions: tuple[str, ...]
    backup: Backup


def look_for(path: Path) -> Legacy | None:
    """What the earlier implementation left in the database at `path`; writes nothing."""
    connection = open_reader(path)
    try:
        return recognise(connection)
    except EngineError as error:
        raise translate(error, path) from error
    finally:
        connection.close()


def upgrade(
    path: Path, *, beside_issues: bool, backup_folder: Path, clock: Clock, zone: tzinfo | None = None
) -> Upgrade | None:
    """Bring a database of the earlier implementation to our tables; None where it is none.

    The caller holds the gate. `zone` is that of local times, by default the machine's. Raises
    `MigrationError`, after which the database is as it was.
    """
    if look_for(path) is None:
        return None
    backup = back_up(path, backup_folder, "before-upgrade", clock.now())
    connection = open_writer(path, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
    try:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        found = recognise(connection)
        if found is None:
            return None  # another process was faster
        done = _replace(connection, path, found, clock, zone, beside_issues=beside_issues, backup=backup)
        connection.execute("COMMIT")
    except EngineError as error:
        raise MigrationError(
            f"the tables of the earlier implementation in {path} could not be upgraded: {error}",
            hint=f"nothing was changed; the backup made before is {backup.path}",
        ) from error
    finally:
        connection.close()  # rolls back what was not committed
    return done


def _replace(
    connection: Connection,
    path: Path,
    found: Legacy,
    clock: Clock,
    zone: tzinfo | None,
    *,
    beside_issues: bool,
    backup: Backup,
) -> Upgrade:
    now = format_time(clock.now())
    _set_aside(connection, found)
    _require_free_names(connection, path, beside_issues=beside_issues)
    _make_our_tables(connection, now, beside_issues=beside_issues)
    Mover(connection, now, zone, beside_issues=beside_issues).move()
    rows = connection.execute(sql.load("legacy")["rows_now"]).fetchone()
    _require_nothing_lost(connection, path, rows)
    done = Upgrade(
        executions=rows["executions"],
        executions_archived=rows["executions_archived"],
        checkpoints=rows["checkpoints"],
        checkpoints_archived=rows["checkpoints_archived"],
        attempts=rows["attempts"] + rows["attempts_archived"],
        dropped=tuple(f"view {name}" for name in found.views) + tuple(f"trigger {t}" for t in found.triggers),
        versions=tuple(migration.version for migration in known()),
        backup=backup,
    )
    _write_down(connection, found, done, now)
    return done


def _set_aside(connection: Connection, found: Legacy) -> None:
    """Copy the rows into temporary tables and drop everything that is the earlier implementation's."""
    texts = sql.load("legacy")
    for view in found.views:
        connection.execute(f"DROP VIEW {view}")
    executions, checkpoints = ("adw_executions" in found.tables, "adw_checkpoints" in found.tables)
    connection.execute(texts["keep_executions" if executions else "no_executions"])
    connection.execute(texts["keep_checkpoints" if checkpoints else "no_checkpoints"])
    connection.execute(texts["index_kept_executions"])
    connection.execute(texts["index_kept_checkpoints"])
    for table in found.tables:
        connection.execute(f"DROP TABLE {table}")


def _require_free_names(connection: Connection, path: Path, *, beside_issues: bool) -> None:
    ours = schema.expected(known(), beside_issues=beside_issues).values()
    if taken := schema.taken_names(ours, schema.present(connection)):
        raise MigrationError(
            f"{path} cannot take our tables: " + "; ".join(taken),
            hint="rename or drop what is in the way (after a backup), then apply again; nothing was changed",
        )


def _make_our_tables(connection: Connection, now: str, *, beside_issues: bool) -> None:
    for migration in known():
        for statement in migration.up(beside_issues=beside_issues):
            connection.execute(statement)
        record = {
            "version": migration.version,
            "name": migration.name,
            "sha256": migration.sha256,
            "applied_at": now,
        }
        connection.execute(sql.load("migrations")["record"], record)


def _require_nothing_lost(connection: Connection, path: Path, rows: Row) -> None:
    for what in ("executions", "checkpoints"):
        here, before = rows[what] + rows[f"{what}_archived"], rows[f"old_{what}"]
        if here != before:
            raise MigrationError(
                f"of {before:,} {what} in {path}, {here:,} came over",
                hint="nothing was changed; please report this",
            )
    dangling = [row["name"] for row in connection.execute(sql.load("legacy")["dangling"]).fetchall()]
    if dangling:
        raise MigrationError(
            f"rows of {', '.join(dangling)} in {path} would refer to nothing",
            hint="nothing was changed; please report this",
        )


def _write_down(connection: Connection, found: Legacy, done: Upgrade, now: str) -> None:
    before = ", ".join((*found.tables, *found.views))
    detail = (
        f"upgraded from an earlier implementation ({before}): {done.executions:,} executions live, "
        f"{done.executions_archived:,} archived; {done.checkpoints:,} checkpoints live, "
        f"{done.checkpoints_archived:,} archived"
    )
    count = done.executions + done.executions_archived
    connection.execute(
        sql.load("legacy")["note_upgrade"], {"now": now, "executions": count, "detail": detail}
    )
