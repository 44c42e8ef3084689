"""Driver errors become ours here, and only here, by SQLite's error codes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adw_state.errors import (
    AdwError,
    ConstraintError,
    DatabaseNotFoundError,
    DatabaseReadOnlyError,
    DatabaseUnreadableError,
    DiskFullError,
    StoreBusyError,
    StoreFaultError,
)

_ONCE_ONLY = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_SHARED_MEMORY = (sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP)


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Whatever the driver raises within comes out as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error


def translate(error: sqlite3.Error, path: Path) -> AdwError:
    """Our error for what the driver raised while working on the database at `path`."""
    primary = primary_code(error)
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return broken_rule(error)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(
            f"{path} stayed locked by another process",
            hint="see who has it open (`adw doctor`), or try again when that process is done",
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseUnreadableError(
            f"{path} is not a readable SQLite database: {error}",
            hint="`adw doctor` names the commands that bring the history back",
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return DatabaseReadOnlyError(
            f"{path} cannot be written: {error}",
            hint="check the permissions of the file and its folder (0600 and 0700), and the medium",
        )
    if primary == sqlite3.SQLITE_FULL or is_fault_of_shared_memory(error):
        return DiskFullError(f"there is no room left to write {path}", hint="free disk space and try again")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return _cannot_open(error, path)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if primary == sqlite3.SQLITE_IOERR:
        return StoreFaultError(
            f"{path} cannot be read or written: {error} ({name})",
            hint="check the disk, its quota and the system's log; nothing half-written was kept",
        )
    return StoreFaultError(f"{path}: {error} ({name})")


def broken_rule(error: sqlite3.Error) -> ConstraintError:
    """Our error for a row that broke a rule of its table."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    is_unique = getattr(error, "sqlite_errorcode", 0) in _ONCE_ONLY
    return ConstraintError(f"{error} ({name})", rule=str(error), is_unique=is_unique)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of a driver error; 0 where the driver gave none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def wants_rollback(error: sqlite3.Error) -> bool:
    """Whether a reader met the journal of a writer that died, which only a writer may play back."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK


def is_fault_of_statement(error: sqlite3.Error) -> bool:
    """Whether the statement does not fit the schema: it names a table that is not there."""
    return primary_code(error) == sqlite3.SQLITE_ERROR


def is_fault_of_shared_memory(error: sqlite3.Error) -> bool:
    """Whether the file that processes share beside a database has no room on its disk."""
    return getattr(error, "sqlite_errorcode", 0) in _SHARED_MEMORY


def _cannot_open(error: sqlite3.Error, path: Path) -> AdwError:
    if path.is_dir():
        return DatabaseUnreadableError(f"{path} is a folder, not a database", hint="name the file itself")
    if not path.exists():
        return DatabaseNotFoundError(
            f"there is no database at {path}", hint="check the path; `adw where` shows what would be used"
        )
    return DatabaseReadOnlyError(
        f"{path} cannot be opened: {error}",
        hint="check the permissions of the file and its folder (0600 and 0700)",
    )
