"""Opening SQLite: one list of named steps, each with its reason.

Opening never creates a file: the database may be a tracker's. Nothing that outlives the connection
(journal mode, user_version, page size, …) is touched.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from adws.adw_modules.errors import DatabaseNotFoundError, DatabaseUnreadableError
from adws.adw_modules.store.faults import translate

BUSY_TIMEOUT_SECONDS = 5.0


def open_writer(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """A connection that may write to the existing database at `path`."""
    connection = _open(path, "rw", busy_timeout_seconds)
    _enforce_foreign_keys(connection)
    _survive_power_loss(connection)
    return connection


def open_reader(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """A connection that cannot write, neither by its mode nor by its pragma."""
    mode = "ro" if _folder_allows_wal(path) else "ro&immutable=1"
    connection = _open(path, mode, busy_timeout_seconds)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open(path: Path, mode: str, busy_timeout_seconds: float) -> sqlite3.Connection:
    _require_file(path)
    try:
        connection = sqlite3.connect(
            _uri(path, mode),
            uri=True,
            timeout=busy_timeout_seconds,
            isolation_level=None,  # transactions begin and end where we say
            check_same_thread=False,  # the Database hands a connection to one thread at a time
            cached_statements=256,
        )
    except sqlite3.Error as error:
        raise translate(error, path) from error
    connection.row_factory = sqlite3.Row
    return connection


def _uri(path: Path, mode: str) -> str:
    # Only these three characters have a meaning of their own in SQLite's file names.
    name = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{name}?mode={mode}"


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise DatabaseUnreadableError(f"{path} is a folder, not a database", hint="name the file itself")
    if not path.exists():
        raise DatabaseNotFoundError(
            f"there is no database at {path}",
            hint="check the path; `adw where` shows which database would be used",
        )
    if path.stat().st_size == 0 and not Path(f"{path}-wal").exists():
        raise DatabaseUnreadableError(
            f"{path} is empty", hint="a tracker makes its own file (`bd init`); ours is made by `adw migrate`"
        )


def _folder_allows_wal(path: Path) -> bool:
    # A reader of a WAL database needs to create the -shm file. Where the folder forbids that and there
    # is no WAL to read, nobody can be writing either, so the file may be read as it lies.
    return os.access(path.parent, os.W_OK) or Path(f"{path}-wal").exists()


def _enforce_foreign_keys(connection: sqlite3.Connection) -> None:
    # SQLite forgets this with every connection.
    connection.execute("PRAGMA foreign_keys = ON")


def _survive_power_loss(connection: sqlite3.Connection) -> None:
    # An acknowledged write is on the disk. This setting belongs to the connection, not to the file.
    connection.execute("PRAGMA synchronous = FULL")
