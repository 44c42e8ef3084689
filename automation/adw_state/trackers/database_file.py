"""Looking at a SQLite file without disturbing it.

Three looks, from the outside in: the file itself (is it there, is it a plain file), its first 100 bytes
(is it SQLite, has br stamped it), and its schema (whose tables are these). Each refuses with one
sentence, and says how to get a damaged file out of the way. Nothing here writes, creates a file, or leaves
one behind.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from adw_state.engine.sqlite.connection import IMMUTABLE, connect, has_log, lacks_shared_memory, open_frozen
from adw_state.engine.sqlite.driver import Connection, EngineError
from adw_state.engine.sqlite.faults import translate
from adw_state.errors import DatabaseNotFoundError, DatabaseUnreadableError

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_BUSY_SECONDS = 30.0
_SIDES = ("", "-wal", "-journal")

# Descriptors that headers were read through, by device and inode. They are never closed: closing any
# descriptor of a file drops every lock this process holds on it, also those of a SQLite connection in
# the middle of a transaction.
_descriptors: dict[tuple[int, int], int] = {}


class Shape(NamedTuple):
    """What a SQLite file contains, as far as it tells whose file it is."""

    tables: frozenset[str]
    issue_columns: frozenset[str]
    """The columns of its table `issues`; empty where it has none."""
    user_version: int


def read_header(database: Path) -> bytes:
    """The first 100 bytes of a SQLite file, read without SQLite.

    Raises:
        DatabaseNotFoundError: nothing is there.
        DatabaseUnreadableError: it is no plain file, may not be read, is empty, or is not SQLite.
    """
    try:
        status = database.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DatabaseNotFoundError(
            f"there is no database at {database}",
            hint="check the path; `adw where` shows how the database is looked for",
        ) from None
    except OSError as error:
        raise _unopenable(database, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise DatabaseUnreadableError(
            f"{database} is a folder, not a database file", hint="name the database file inside it"
        )
    if not stat.S_ISREG(status.st_mode):
        raise DatabaseUnreadableError(f"{database} is not a plain file", hint="name the database file")
    if status.st_size == 0:
        raise DatabaseUnreadableError(f"{database} is empty", hint=way_back_of_tracker(database))
    header = _first_bytes(database, (status.st_dev, status.st_ino))
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise DatabaseUnreadableError(
            f"{database} is not a SQLite database", hint=way_back_of_tracker(database)
        )
    return header


def read_shape(database: Path) -> Shape:
    """The tables of a SQLite file and its user_version, the write-ahead log included.

    Raises:
        DatabaseUnreadableError: the schema is damaged or the file cannot be opened.
        StoreBusyError: another process held it locked for 30 seconds.
    """
    if has_log(database):
        return _shape(database)
    try:
        # Without a log the file is whole, and an immutable open takes no lock and makes no side file.
        return _shape(database, IMMUTABLE)
    except DatabaseUnreadableError:
        # Somebody may have begun to write in between; with locks it is read truly, or truly damaged.
        return _shape(database)


@contextmanager
def reading(database: Path, mode: str | None = None) -> Iterator[Connection]:
    """A short-lived connection that cannot write; SQLite's errors come out as ours.

    Raises:
        DatabaseUnreadableError: the file is damaged or cannot be opened.
        StoreBusyError: another process held it locked for 30 seconds.
    """
    try:
        connection = connect(database, mode or _mode(database), _BUSY_SECONDS)
        if lacks_shared_memory(connection):
            connection.close()
            connection = open_frozen(database)
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            yield connection
    except EngineError as error:
        translated = translate(error, database)
        if isinstance(translated, DatabaseUnreadableError):
            translated.hint = way_back_of_tracker(database)
        raise translated from error


def _shape(database: Path, mode: str | None = None) -> Shape:
    with reading(database, mode) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        columns = connection.execute("SELECT name FROM pragma_table_info('issues')").fetchall()
        (user_version,) = connection.execute("PRAGMA user_version").fetchone()
    return Shape(frozenset(name for (name,) in tables), frozenset(name for (name,) in columns), user_version)


def _mode(database: Path) -> str:
    """How to open the file for reading so that it is afterwards as it was before."""
    if has_log(database):
        return "ro"  # closing a connection that writes could move the log's content into the file
    if os.access(database, os.W_OK) and os.access(database.parent, os.W_OK):
        return "rw"  # closing one that reads would leave -wal and -shm files behind
    return IMMUTABLE  # on a read-only medium SQLite cannot make the side files it wants


def _first_bytes(database: Path, identity: tuple[int, int]) -> bytes:
    try:
        if identity not in _descriptors:
            _descriptors[identity] = os.open(database, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(_descriptors[identity], _HEADER_BYTES, 0)
    except OSError as error:
        raise _unopenable(database, error) from error


def _unopenable(database: Path, error: OSError) -> DatabaseUnreadableError:
    return DatabaseUnreadableError(
        f"{database} cannot be opened: {error.strerror}", hint="check the permissions of the file"
    )


def commands_that_put_away(database: Path) -> list[str]:
    """Shell commands that rename the file and its logs to a free name, where `adw restore` finds them."""
    names = (f"{database}.corrupt{'' if number == 1 else f'-{number}'}" for number in count(1))
    away = next(name for name in names if not os.path.lexists(name))
    return [
        shlex.join(["mv", f"{database}{side}", f"{away}{side}"])
        for side in _SIDES
        if not side or os.path.lexists(f"{database}{side}")
    ]


def way_back_of_tracker(database: Path) -> str:
    """What to do where a tracker's file cannot be used at all, as a hint."""
    moves = "`, `".join(commands_that_put_away(database))
    return (
        f"if it was the tracker's database, move it away (`{moves}`), let bd build it anew (`bd init`), and"
        " run `adw restore`; else name another file with --db"
    )
