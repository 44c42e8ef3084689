"""Whether a database can be relied on: one check per way in which it can fail its user."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adw_state.errors import AdwError, DatabaseUnreadableError
from adw_state.store import migration_status, sql
from adw_state.store.connection import BUSY_TIMEOUT_SECONDS, open_reader, open_writer
from adw_state.store.faults import primary_code, translate

_WAL_WARN_BYTES = 256 * 1024 * 1024
_FREE_WARN_BYTES = 256 * 1024 * 1024
_STOPPED = "file"
_OUR_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of a health check: what was looked at, whether it is well, and what was seen.

    `hint` says what to do, `severity` (warning or error) how bad it is and `why` why that matters, where it
    is not well.
    """

    name: str
    ok: bool
    detail: str
    hint: str
    severity: str
    why: str
    damaged: bool = False
    """The content of the file is damaged, so it has to come from somewhere else."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a database can be relied on; `ok` when every check is."""

    path: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check is well."""
        return all(check.ok for check in self.checks)


def check(path: Path, *, beside_issues: bool, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Health:
    """Look at the file, its schema, its references, its log and its disk. Writes nothing."""
    checks: list[Check] = []
    for examine in (
        partial(_readable, busy_timeout_seconds=busy_timeout_seconds),
        partial(_schema, beside_issues=beside_issues),
        _references,
        partial(_writable, busy_timeout_seconds=busy_timeout_seconds),
        _log_size,
        _room,
    ):
        try:
            checks += examine(path)
        except AdwError as error:
            checks.append(_stopped(error))
        except sqlite3.Error as error:
            checks.append(_stopped(translate(error, path)))
        if checks and checks[-1].name == _STOPPED:
            break
    return Health(str(path), tuple(checks))


def _stopped(error: AdwError) -> Check:
    """What kept the checks from going on: damage, or something that is no fault of the file's content."""
    damaged = isinstance(error, DatabaseUnreadableError)
    why = (
        "Nothing can be read from it or written to it." if damaged else "What is not understood is not used."
    )
    return Check(
        _STOPPED,
        ok=False,
        detail=str(error),
        hint=error.hint or "`adw doctor` looks further",
        severity="error",
        why=why,
        damaged=damaged,
    )


def _readable(path: Path, *, busy_timeout_seconds: float) -> Iterator[Check]:
    connection = open_reader(path, busy_timeout_seconds=busy_timeout_seconds)
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(5)").fetchall()]
    finally:
        connection.close()
    yield Check(
        "integrity",
        ok=found == ["ok"],
        detail="; ".join(found),
        hint="`adw doctor` names the way back",
        severity="error",
        why="SQLite finds damage; rows may be lost or wrong.",
        damaged=found != ["ok"],
    )


def _schema(path: Path, *, beside_issues: bool) -> Iterator[Check]:
    steps = migration_status.status(path)
    migration_status.require_understood(steps, path)
    waiting = [step.version for step in steps if step.state == "pending"]
    yield Check(
        "migrations",
        ok=not waiting,
        detail=f"pending: {', '.join(waiting)}" if waiting else f"{len(steps)} applied",
        hint="run `adw migrate`",
        severity="warning",
        why="This version needs them; until they are applied, runs are kept in JSON only.",
    )
    found = migration_status.problems(path, beside_issues=beside_issues)
    yield Check(
        "schema",
        ok=not found,
        detail="; ".join(found) or "as the migrations make it",
        hint="`adw doctor` names the way back",
        severity="error",
        why="Somebody changed our tables, views or triggers; rows may be lost or not found.",
    )


def _references(path: Path) -> Iterator[Check]:
    connection = open_reader(path)
    try:
        found = [
            row
            for table in _OUR_TABLES
            for row in connection.execute(f"PRAGMA foreign_key_check({table})").fetchall()
        ]
    except sqlite3.OperationalError:
        return  # no such table: the check of the migrations says so
    finally:
        connection.close()
    yield Check(
        "references",
        ok=not found,
        detail=f"{len(found)} rows point nowhere" if found else "every row has its parent",
        hint="open the database once with `adw status`, which heals them",
        severity="warning",
        why="Rows without a parent make bd refuse to open the database in multi-repo mode.",
    )


def _writable(path: Path, *, busy_timeout_seconds: float) -> Iterator[Check]:
    why_not: AdwError | None = None
    try:
        connection = open_writer(path, busy_timeout_seconds=busy_timeout_seconds)
        try:
            connection.execute("BEGIN IMMEDIATE")  # of a file that may not be written this begins a read only
            connection.execute(sql.load("health")["write_nothing"])
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if primary_code(error) == sqlite3.SQLITE_ERROR:
            return  # no such table: the check of the migrations says so
        why_not = translate(error, path)
    except AdwError as error:
        why_not = error
    yield Check(
        "writable",
        ok=why_not is None,
        detail="a write transaction can begin" if why_not is None else str(why_not),
        hint=(why_not and why_not.hint) or "see who holds it, and the permissions",
        severity="error",
        why="Runs cannot be recorded; they go on with JSON only.",
    )


def _log_size(path: Path) -> Iterator[Check]:
    log = Path(f"{path}-wal")
    size = log.stat().st_size if log.exists() else 0
    yield Check(
        "write-ahead log",
        ok=size < _WAL_WARN_BYTES,
        detail=f"{size:,} bytes",
        hint="a reader that never ends keeps it growing; find and stop that process",
        severity="warning",
        why="Reading slows down and the disk fills up.",
    )


def _room(path: Path) -> Iterator[Check]:
    free = shutil.disk_usage(path.parent).free
    yield Check(
        "disk",
        ok=free > _FREE_WARN_BYTES,
        detail=f"{free:,} bytes free",
        hint="free some disk space",
        severity="warning",
        why="A write that finds no room fails.",
    )
