"""Backups by SQLite's own backup interface, so that what is only in the WAL is in them too."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adw_state.engine.sqlite.connection import open_reader
from adw_state.engine.sqlite.faults import translate
from adw_state.errors import DatabaseReadOnlyError


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished copy of a database."""

    path: Path
    size_bytes: int


def back_up(database: Path, folder: Path, reason: str, moment: datetime) -> Backup:
    """Copy `database` into `folder` as `<name>.<time>.<reason>.sqlite3`, readable by its owner only.

    The copy gets its name when it is whole; a name that is taken gets a number.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _back_up(database, folder, f"{database.name}.{moment:%Y%m%dT%H%M%SZ}.{reason}")
    except OSError as error:
        raise DatabaseReadOnlyError(
            f"no backup can be written to {folder}: {error.strerror}",
            hint="make that folder writable, with room for a copy; nothing was changed",
        ) from error


def list_backups(database: Path, folder: Path) -> list[Backup]:
    """The backups of `database` in `folder`, oldest first."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    begin = f"{database.name}."
    found = [path for path in paths if path.name.startswith(begin) and path.suffix == ".sqlite3"]
    return [Backup(path, path.stat().st_size) for path in found]


def _back_up(database: Path, folder: Path, stem: str) -> Backup:
    unfinished = folder / f".{database.name}.{os.getpid()}.part"
    os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    try:
        _copy(database, unfinished)
        final = _free_name(folder, stem)
        unfinished.rename(final)
    finally:
        unfinished.unlink(missing_ok=True)
    return Backup(final, final.stat().st_size)


def _copy(database: Path, target: Path) -> None:
    source = open_reader(database)
    try:
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            source.backup(copy)
            # A copy that stands alone must not need a -wal file beside it.
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        finally:
            copy.close()
    except sqlite3.Error as error:
        raise translate(error, database) from error
    finally:
        source.close()
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _free_name(folder: Path, stem: str) -> Path:
    candidate, number = folder / f"{stem}.sqlite3", 1
    while candidate.exists():
        number += 1
        candidate = folder / f"{stem}.{number}.sqlite3"
    return candidate
