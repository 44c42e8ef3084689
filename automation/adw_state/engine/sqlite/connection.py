"""Opening SQLite: one list of named steps, each with its reason.

Opening never creates a file: the database may be a tracker's. Nothing that outlives the connection
(journal mode, user_version, page size, …) is touched.
"""

from __future__ import annotations

import sqlite3
import stat
from functools import partial
from pathlib import Path

from adw_state.engine.sqlite.faults import is_fault_of_shared_memory, primary_code, translate
from adw_state.errors import DatabaseNotFoundError, DatabaseReadOnlyError, DatabaseUnreadableError

BUSY_TIMEOUT_SECONDS = 5.0
IMMUTABLE = "ro&immutable=1"
"""The mode that takes no lock and makes no side file, for a file that nobody has open."""

# What SQLite says when it may not make the -shm file, or may not use the one that is there.
_NOT_MADE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)


class FrozenReader(sqlite3.Connection):
    """Reads a file, or a copy, and sees no later change, so it serves one unit of work and is not kept."""


def open_writer(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """A connection that may write to the existing database at `path`."""
    _require_file(path)
    connection = connect(path, "rw", busy_timeout_seconds)
    try:
        _enforce_foreign_keys(connection)
        _survive_power_loss(connection)
        _spare_memory(connection)
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, path) from error
    return connection


def open_reader(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """A connection that cannot write, neither by its mode nor by its pragma."""
    _require_file(path)
    if Path(f"{path}-journal").exists():
        _roll_back_what_a_dead_writer_left(path, busy_timeout_seconds)
    connection = connect(path, "ro", busy_timeout_seconds)
    if lacks_shared_memory(connection):
        connection.close()
        connection = open_frozen(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def lacks_shared_memory(connection: sqlite3.Connection) -> bool:
    """Whether the database cannot be read only because its -shm file cannot be made beside it.

    SQLite shares the index of a write-ahead log in that file, so it needs a folder that can be written and a
    disk that is not full, also to read.
    """
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    wait_for_locks(connection, 0)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        # Any other error is met again by the first statement of the reader, which says what is wrong.
        return primary_code(error) in _NOT_MADE or is_fault_of_shared_memory(error)
    finally:
        wait_for_locks(connection, patience / 1000)
    return False


def open_new(path: Path, *, with_log: bool = False) -> sqlite3.Connection:
    """A connection to a new file that is still empty; `with_log` a write-ahead log is kept."""
    connection = connect(path, "rwc")
    if with_log:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            _enforce_foreign_keys(connection)
        except sqlite3.Error as error:
            connection.close()
            raise translate(error, path) from error
    return connection


def open_frozen(path: Path) -> sqlite3.Connection:
    """A connection that needs no -shm file: it reads the file as it lies, or a copy where there is a log.

    Only for a database that no connection of this process has open, see `private_copy`.
    """
    if not has_log(path):
        # Nobody has the file open now, or there would be an -shm file.
        return connect(path, IMMUTABLE, 0, FrozenReader)
    from adw_state.engine.sqlite.private_copy import copy_privately, scratch_folder

    with scratch_folder() as folder:
        connection = connect(copy_privately(path, folder), "rw", 0, FrozenReader)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # reads the log
        except sqlite3.Error as error:
            connection.close()
            raise translate(error, path) from error
        return connection  # it reads on although the folder is removed now


def has_log(path: Path) -> bool:
    """Whether a write-ahead log with content lies beside the database."""
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
    """Let statements wait this long from now on for a lock that another connection holds."""
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}").fetchall()


def _roll_back_what_a_dead_writer_left(path: Path, busy_timeout_seconds: float) -> None:
    # In a database without a write-ahead log a writer that was killed leaves a journal, which must be
    # played back before anybody can read, and which a reader may not play back itself.
    connection = connect(path, "rw", busy_timeout_seconds)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        pass  # whoever reads next is told what is wrong
    finally:
        connection.close()


def connect(
    path: Path,
    mode: str,
    busy_timeout_seconds: float = 0,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """A connection of one of SQLite's modes, `ro`, `rw`, `rwc` or `IMMUTABLE`, with no other setting."""
    try:
        connection = sqlite3.connect(
            _uri(path, mode),
            uri=True,
            timeout=busy_timeout_seconds,
            isolation_level=None,  # transactions begin and end where we say
            check_same_thread=False,  # the Database hands a connection to one thread at a time
            cached_statements=256,
            factory=factory,
        )
    except sqlite3.Error as error:
        raise translate(error, path) from error
    connection.row_factory = sqlite3.Row
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection


def _uri(path: Path, mode: str) -> str:
    # Only these three characters have a meaning of their own in SQLite's file names.
    name = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{name}?mode={mode}"


def _require_file(path: Path) -> None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatabaseNotFoundError(
            f"there is no database at {path}",
            hint="check the path; `adw where` shows which database would be used",
        ) from error
    except OSError as error:
        raise DatabaseReadOnlyError(
            f"{path} cannot be reached: {error.strerror}",
            hint="check the path, and the permissions of the folders on the way to it",
        ) from error
    if stat.S_ISDIR(found.st_mode):
        raise DatabaseUnreadableError(f"{path} is a folder, not a database", hint="name the file itself")
    if not stat.S_ISREG(found.st_mode):
        raise DatabaseUnreadableError(f"{path} is not a plain file", hint="name the database itself")
    if found.st_size == 0 and not Path(f"{path}-wal").exists():
        raise DatabaseUnreadableError(
            f"{path} is empty",
            hint="a tracker makes its own file (`bd init`); `adw migrate up` makes the sidecar",
        )


def _enforce_foreign_keys(connection: sqlite3.Connection) -> None:
    # SQLite forgets this with every connection.
    connection.execute("PRAGMA foreign_keys = ON")


def _survive_power_loss(connection: sqlite3.Connection) -> None:
    # An acknowledged write is on the disk. This setting belongs to the connection, not to the file.
    connection.execute("PRAGMA synchronous = FULL")


def _spare_memory(connection: sqlite3.Connection) -> None:
    # What a statement would have to take back is noted in memory, 1 KB at a time. By default SQLite asks for
    # 64 KB in each statement that inserts from a SELECT or returns rows; the C library then often gives that
    # back to the system each time, which costs more than the write (docs/benchmarks.md).
    connection.execute("PRAGMA temp_store = MEMORY")
