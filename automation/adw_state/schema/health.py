"""Whether a database can be relied on: the checks that need nothing but the database itself.

Views and triggers hold no rows, so they are made anew at once. Tables and indexes are made anew by commands
that the user gives, because the rows leave their tables on the way.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.engine.sqlite.connection import open_reader, open_writer
from adw_state.engine.sqlite.driver import EngineError
from adw_state.engine.sqlite.faults import is_fault_of_statement, translate, translating
from adw_state.errors import AdwError
from adw_state.schema.check import Check, Finding, Stage, Target, exit_code, run_checks, several
from adw_state.schema.migration_files import Layout
from adw_state.schema.migration_status import problems, require_understood, status
from adw_state.schema.repair import commands_that_rebuild, remake_views_and_triggers
from adw_state.store import sql

_MEBIBYTE = 1024 * 1024
_LITTLE_SPACE_BYTES = 256 * _MEBIBYTE
_LARGE_LOG_BYTES = 256 * _MEBIBYTE
_OUR_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")
_READ_ONLY = (
    "Runs cannot be recorded; they go on with JSON only. The medium may be mounted read-only, or the"
    " permissions are too narrow."
)


@dataclass(frozen=True, slots=True)
class Health:
    """What the checks of a database found; `ok` when nothing is worse than a note."""

    path: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the database can be relied on."""
        return exit_code(self.findings) == 0


def check_health(target: Target) -> Health:
    """Look at the file, its schema, its references, its log and its disk. Writes nothing."""
    return Health(str(target.path), tuple(run_checks(CHECKS, target)))


def _integrity(target: Target) -> Iterator[Finding]:
    reader = open_reader(target.path, busy_timeout_seconds=target.busy_timeout_seconds)
    with closing(reader), translating(target.path):
        found = [row[0] for row in reader.execute("PRAGMA quick_check(5)").fetchall()]
    if found == ["ok"]:
        yield Finding("ok", "SQLite finds no damage.")
    else:
        yield Finding("error", f"SQLite finds damage: {'; '.join(found)}.", damaged=True)


def _migrations(target: Target) -> Iterator[Finding]:
    steps = status(target.path)
    require_understood(steps, target.path)
    pending = [step.version for step in steps if step.state == "pending"]
    if pending:
        yield Finding("warning", f"Pending: {', '.join(pending)}.", fix=target.command("adw migrate up"))
    else:
        yield Finding("ok", f"{len(steps)} are applied.")


def _schema(target: Target) -> Iterator[Finding]:
    with translating(target.path):
        found = problems(target.path)
    if not found:
        yield Finding("ok", "Everything is as the migrations make it.")
        return
    fixable = all(one.startswith(("view ", "trigger ")) for one in found)
    fix = target.command("adw doctor --fix") if fixable else commands_that_rebuild(target)
    yield Finding("error", f"Not as the migrations make it: {'; '.join(found)}.", fix=fix, fixable=fixable)


def _references(target: Target) -> Iterator[Finding]:
    try:
        with closing(open_reader(target.path)) as reader:
            orphans = sum(
                len(reader.execute(f"PRAGMA foreign_key_check({table})").fetchall()) for table in _OUR_TABLES
            )
    except EngineError as error:
        if is_fault_of_statement(error):
            return  # no such table: the check of the schema says so
        raise translate(error, target.path) from error
    what = f"{several(orphans, 'row')} without a parent."
    if not orphans:
        yield Finding("ok", "Every row has its parent.")
    elif target.layout is Layout.SHARED_FILE:
        yield Finding("warning", what, fix=target.command("adw doctor --fix"), fixable=True)
    else:
        yield Finding("warning", what, "Their execution is gone.", fix=commands_that_rebuild(target))


def _disk(target: Target) -> Iterator[Finding]:
    free = shutil.disk_usage(target.path.parent).free
    what = f"{free:,} bytes are free on the disk."
    if free > _LITTLE_SPACE_BYTES:
        yield Finding("ok", what)
    else:
        yield Finding("warning", what, advice="free some disk space")


def _log_size(target: Target) -> Iterator[Finding]:
    log = Path(f"{target.path}-wal")
    size = log.stat().st_size if log.exists() else 0
    what = f"The write-ahead log has {size:,} bytes."
    if size < _LARGE_LOG_BYTES:
        yield Finding("ok", what)
    else:
        advice = "a reader that never ends keeps it growing; find and stop that process"
        yield Finding("warning", what, advice=advice)


def _writable(target: Target) -> Iterator[Finding]:
    try:
        why_not = _why_not_writable(target)
    except EngineError:
        return  # no such table: the check of the schema says so
    if why_not is None:
        yield Finding("ok", "A write transaction can begin.")
    elif os.access(target.path, os.W_OK) and os.access(target.path.parent, os.W_OK):
        advice = why_not.hint or "see who holds it, and the permissions"
        yield Finding("error", f"{why_not}.", advice=advice)
    else:
        look = shlex.join(["ls", "-ld", str(target.path), str(target.path.parent)])
        what = f"{target.path} or its folder is read-only for this user."
        yield Finding("error", what, _READ_ONLY, fix=look)


def _why_not_writable(target: Target) -> AdwError | None:
    try:
        with closing(
            open_writer(target.path, busy_timeout_seconds=target.busy_timeout_seconds)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")  # of a file that may not be written this begins a read only
            connection.execute(sql.load("health")["write_nothing"])
            connection.execute("ROLLBACK")
    except EngineError as error:
        if is_fault_of_statement(error):
            raise
        return translate(error, target.path)
    except AdwError as error:
        return error
    return None


CHECKS: tuple[Check[Target], ...] = (
    Check("integrity", Stage.FILE_CONTENT, _integrity, why="Rows may be lost or wrong."),
    Check(
        "migrations",
        Stage.MIGRATIONS,
        _migrations,
        why="This version needs them; until they are applied, runs are kept in JSON only.",
    ),
    Check(
        "references",
        Stage.SCHEMA,
        _references,
        why="Rows without a parent make bd refuse to open the database in multi-repo mode.",
        fix=lambda target: target.reconcile(),
        fix_changes_database=True,
    ),
    Check(
        "schema",
        Stage.SCHEMA,
        _schema,
        why="Somebody changed our tables, views or triggers; rows may be lost or not found.",
        fix=lambda target: remake_views_and_triggers(target.path, target.clock),
        fix_changes_database=True,
    ),
    Check("disk", Stage.USE, _disk, why="A write that finds no room fails."),
    Check("log-size", Stage.USE, _log_size, why="Reading slows down and the disk fills up."),
    Check("writable", Stage.USE, _writable, why="Runs cannot be recorded; they go on with JSON only."),
)
"""In the order in which they look."""
