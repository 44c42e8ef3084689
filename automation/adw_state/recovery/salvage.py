"""Reading what can be read of a damaged database.

Each of our tables is read from its beginning up to the damage, and from its end back to it, by row
number and without any index. What is read goes into a new file with the same columns and no constraint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from adw_state.errors import DatabaseUnreadableError
from adw_state.store.sqlite.connection import open_new
from adw_state.store.sqlite.driver import Connection, EngineError


def salvage(damaged: Connection, tables: list[str], target: Path) -> list[str]:
    """Copy these tables' readable rows into a new database at `target`; a sentence per damaged table.

    Raises `DatabaseUnreadableError` when not even the list of tables can be read.
    """
    notes = []
    with closing(open_new(target)) as copy:
        copy.execute("BEGIN")
        for table in tables:
            columns = _columns(damaged, table)
            names = ", ".join(_quoted(column) for column in columns)
            copy.execute(f"CREATE TABLE {_quoted(table)} ({names})")
            marks = ", ".join("?" * len(columns))
            reader = _Reader(damaged, table, names)
            copy.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", reader)  # noqa: S608 - our names
            if reader.damage:
                notes.append(f"{table} is damaged ({reader.damage}); {reader.rows:,} of its rows were read")
        copy.execute("COMMIT")
    return notes


class _Reader:
    """The readable rows of one table, from both ends."""

    def __init__(self, connection: Connection, table: str, columns: str) -> None:
        self._connection = connection
        self._text = f"SELECT rowid, {columns} FROM {_quoted(table)} NOT INDEXED"  # noqa: S608 - our names
        self.rows = 0
        self.damage: str | None = None

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        reached: int | None = None
        for rowid, row in self._walk("rowid > ?", "ORDER BY rowid"):
            reached = rowid
            self.rows += 1
            yield row
        if self.damage is None:
            return
        for rowid, row in self._walk("rowid < ?", "ORDER BY rowid DESC"):
            if reached is not None and rowid <= reached:
                return
            self.rows += 1
            yield row

    def _walk(self, beyond: str, order: str) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Rows in one direction up to the damage: many at a time, and one by one where that failed.

        Python looks one row ahead, so the last row before the damage comes only when it is asked for alone.
        """
        last: int | None = None
        try:
            for rowid, *row in self._connection.execute(f"{self._text} {order}"):
                last = rowid
                yield last, tuple(row)
        except EngineError as error:
            self.damage = str(error)
        else:
            return
        with suppress(EngineError):
            while found := self._one(beyond, order, last):
                last = found[0]
                yield found

    def _one(self, beyond: str, order: str, last: int | None) -> tuple[int, tuple[object, ...]] | None:
        where, values = (f"WHERE {beyond}", (last,)) if last is not None else ("", ())
        for rowid, *row in self._connection.execute(f"{self._text} {where} {order} LIMIT 1", values):
            return rowid, tuple(row)
        return None


def _columns(connection: Connection, table: str) -> list[str]:
    try:
        rows = connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,)).fetchall()
    except EngineError as error:
        raise DatabaseUnreadableError(f"its schema cannot be read: {error}") from error
    return [name for (name,) in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
