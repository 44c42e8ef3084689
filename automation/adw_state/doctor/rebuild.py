"""What a rebuild of the tracker's tables would do to stored views and triggers, tried on an empty copy.

bd makes `issues` and `dependencies` anew when it is upgraded, in some versions on every open: it drops
its own two views, makes a new table, drops the old one and renames the new one. At the rename SQLite
reads every stored view and trigger of the file again, and one that cannot be understood at that moment
stops bd from opening its database at all. So the same is done here to a copy of the schema in memory.

bd reads double quotes as names only. This SQLite may take them for texts where no such name is, so the
copy's double-quoted words are written in brackets, which mean a name to every SQLite.
"""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import dataclass

from adw_state.engine.sqlite.driver import Connection, EngineError, open_in_memory, tell_what_is_touched

REBUILT = ("issues", "dependencies")
"""The tables that bd rebuilds."""
_VIEWS_OF_BD = ("ready_issues", "blocked_issues")
_ORDER = {"table": 0, "index": 1, "view": 2, "trigger": 3}
_BLAMED = re.compile(r"error in (?P<kind>view|trigger) (?P<name>.+?): (?P<why>.+)", re.DOTALL)
# A text, a comment, or a word in double quotes, whichever begins first.
_TOKENS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\"(?P<word>(?:[^\"]|\"\")*)\"", re.DOTALL)

_COMPILED = (
    "EXPLAIN DELETE FROM {table}",
    "EXPLAIN INSERT INTO {table} DEFAULT VALUES",
    "EXPLAIN UPDATE {table} SET rowid = rowid",
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A stored view or trigger that would stop bd, and what SQLite says about it."""

    kind: str
    name: str
    rebuilt: str
    why: str

    @property
    def removal(self) -> str:
        """The SQL that takes it out of the way."""
        return f'DROP {self.kind.upper()} "{self.name}"'


def rebuild_on_a_copy(database: Connection) -> list[Obstacle]:
    """Every view and trigger, whosever it is, that would make bd's rebuild fail; in the order of finding."""
    with closing(_copy_of_schema(database)) as copy:
        return [obstacle for table in REBUILT if _has(copy, table) for obstacle in _rebuild(copy, table)]


def tables_touched(database: Connection) -> dict[str, set[str]]:
    """For every view and trigger of a file, the tables and views that it touches.

    Statements are compiled on an empty copy, never run, and SQLite is asked at each step what is touched
    and on whose behalf. That is exact where a search for words would not be.
    """
    touched: dict[str, set[str]] = {}

    def note(by: str, table: str) -> None:
        if table != by:
            touched.setdefault(by, set()).add(table)

    with closing(_copy_of_schema(database)) as copy:
        stored = copy.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
        tell_what_is_touched(copy, note)
        for kind, name, table in stored:
            for statement in _statements(kind, name, table):
                with suppress(EngineError):  # what cannot be compiled is for the replay to tell
                    copy.execute(statement).fetchall()
    return touched


def _copy_of_schema(database: Connection) -> Connection:
    """A new database in memory with the same tables, indexes, views and triggers, and no row."""
    copy = open_in_memory()
    copy.execute("PRAGMA foreign_keys = OFF")
    found = database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    for kind, _, text in sorted(found, key=lambda row: (_ORDER.get(row[0], 4), row[1])):
        # A table of a module that is not loaded here stays out, and the tables that a virtual one makes
        # for itself are there already; neither takes part in a rebuild.
        with suppress(EngineError):
            copy.execute(_with_brackets(text) if kind in ("view", "trigger") else text)
    return copy


def _rebuild(copy: Connection, table: str) -> list[Obstacle]:
    found: list[Obstacle] = []
    while (obstacle := _try_once(copy, table)) is not None:
        found.append(obstacle)
        try:
            copy.execute(obstacle.removal)
        except EngineError:
            break  # not a thing that can be dropped, so asking again would answer the same
    return found


def _try_once(copy: Connection, table: str) -> Obstacle | None:
    """Rebuild the table as bd does, and take it back; what stood in the way, if anything."""
    copy.execute("SAVEPOINT rebuild")
    try:
        for view in _VIEWS_OF_BD:
            copy.execute(f"DROP VIEW IF EXISTS {view}")
        copy.execute(f"CREATE TABLE {table}_new AS SELECT * FROM {table}")  # noqa: S608 - one of two names
        copy.execute(f"DROP TABLE {table}")
        copy.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    except EngineError as error:
        blamed = _BLAMED.search(str(error))
        if blamed is None:
            return Obstacle("table", table, table, str(error))
        return Obstacle(blamed["kind"], blamed["name"], table, blamed["why"])
    finally:
        copy.execute("ROLLBACK TO rebuild")
        copy.execute("RELEASE rebuild")
    return None


def _has(copy: Connection, table: str) -> bool:
    found = copy.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return bool(found.fetchone()[0])


def _with_brackets(text: str) -> str:
    def rewrite(match: re.Match[str]) -> str:
        word = match["word"]
        if word is None or "]" in word:
            return match[0]
        return "[" + word.replace('""', '"') + "]"

    return _TOKENS.sub(rewrite, text)


def _statements(kind: str, name: str, table: str) -> tuple[str, ...]:
    if kind == "view":
        return (f"EXPLAIN SELECT * FROM {_quoted(name)}",)  # noqa: S608 - a name of the file's own
    if kind == "trigger":
        return tuple(spring.format(table=_quoted(table)) for spring in _COMPILED)
    return ()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
