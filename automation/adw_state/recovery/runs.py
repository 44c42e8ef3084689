"""The runs in an old database: each execution with its attempts and checkpoints.

A row is taken as it lies there, a column that the file does not have as empty; what breaks a rule of
the tables is refused where it is to be written, not here. Runs come one at a time, in order of their
ids, so that memory does not grow with their number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeAlias

from adw_state.clock import parse_time
from adw_state.errors import InvalidInputError
from adw_state.recovery.old_database import ARCHIVES, LIVE_TABLES, OldDatabase
from adw_state.store import sql
from adw_state.store.records import Attempt, Execution

Ask: TypeAlias = Callable[[str, Mapping[str, object]], Sequence[sqlite3.Row]]
"""Every row of the answer to a statement with parameters."""

EXECUTION_COLUMNS = tuple(field.name for field in fields(Execution))
ATTEMPT_COLUMNS = tuple(field.name for field in fields(Attempt))
CHECKPOINT_COLUMNS = (
    "op_id",
    "execution_id",
    "seq",
    "phase",
    "attempt",
    "checkpoint_name",
    "checkpoint_data",
    "created_at",
)
_NOT_EMPTY: dict[str, object] = {"fence": 0, "claimed": 0, "pr_created": 0}


@dataclass(frozen=True, slots=True)
class Archived:
    """When and why a row went to an archive."""

    at: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row by column, and where it lay: in the live table, or in its archive."""

    values: dict[str, object]
    archived: Archived | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """An execution with all that belongs to it.

    `derived` checkpoints were numbered by their reader: two of the same name in the same attempt are one.
    """

    execution: KeptRow
    attempts: list[KeptRow]
    checkpoints: list[KeptRow]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows there are of each kind, archived ones included."""

    executions: int = 0
    attempts: int = 0
    checkpoints: int = 0


def count_rows(old: OldDatabase) -> RowCounts:
    """How many rows an old database holds."""
    return RowCounts(
        _count(old, "adw_executions"), _count(old, "adw_phase_attempts"), _count(old, "adw_checkpoints")
    )


def newest_change(old: OldDatabase) -> datetime | None:
    """When an execution in it was changed last; None if it holds none, or no time that can be read."""
    ask, texts = _asking(old), sql.load("restore")
    times = [
        ask(texts[name], {})[0]["newest"]
        for table, name in (
            ("adw_executions", "newest_live"),
            ("adw_executions_archive", "newest_archived"),
        )
        if table in old.tables
    ]
    try:
        return max((parse_time(time) for time in times if isinstance(time, str)), default=None)
    except InvalidInputError:
        return None


def read_runs(old: OldDatabase) -> Iterator[Run]:
    """Every run that an old database holds, the archived ones after the live."""
    ask = _asking(old)
    for execution in read_executions(old):
        yield with_children(ask, old.tables, execution, of_tracker=old.of_tracker)


def read_executions(old: OldDatabase) -> Iterator[KeptRow]:
    """Every execution in an old database once: the live ones, then the newest copies of archived ones."""
    ask, texts = _asking(old), sql.load("restore")
    if "adw_executions" in old.tables:
        for row in old.connection.execute(texts["old_executions"]):
            yield kept(row, EXECUTION_COLUMNS)
    if "adw_executions_archive" in old.tables:
        former: object = None
        lives = texts["old_execution_lives"] if "adw_executions" in old.tables else None
        for row in old.connection.execute(texts["old_archived_executions"]):
            copy_of_former = former is not None and row["id"] == former
            former = row["id"]
            if not copy_of_former and not (lives and ask(lives, {"id": former})):
                yield kept(row, EXECUTION_COLUMNS, of_tracker=old.of_tracker)


def read_strays(old: OldDatabase) -> Iterator[tuple[str, KeptRow]]:
    """Archived attempts and checkpoints without any execution, each with the word for what it is."""
    if not old.tables >= {*LIVE_TABLES, *ARCHIVES}:
        return
    texts = sql.load("restore")
    for what, columns, text in (
        ("attempt", ATTEMPT_COLUMNS, texts["old_stray_attempts"]),
        ("checkpoint", CHECKPOINT_COLUMNS, texts["old_stray_checkpoints"]),
    ):
        for row in old.connection.execute(text):
            yield what, kept(row, columns, of_tracker=old.of_tracker)


def with_children(ask: Ask, tables: frozenset[str], execution: KeptRow, *, of_tracker: bool) -> Run:
    """The run of an execution, with the attempts and checkpoints that these tables hold of it."""

    def children(table: str, columns: Sequence[str], live: str, archived: str) -> list[KeptRow]:
        texts, owner = sql.load("restore"), {"execution_id": execution.values["id"]}
        rows = [kept(row, columns) for row in ask(texts[live], owner)] if table in tables else []
        if f"{table}_archive" in tables:
            rows += [kept(row, columns, of_tracker=of_tracker) for row in ask(texts[archived], owner)]
        return rows

    return Run(
        execution,
        children("adw_phase_attempts", ATTEMPT_COLUMNS, "old_attempts", "old_archived_attempts"),
        children("adw_checkpoints", CHECKPOINT_COLUMNS, "old_checkpoints", "old_archived_checkpoints"),
    )


def kept(row: sqlite3.Row, columns: Sequence[str], *, of_tracker: bool = False) -> KeptRow:
    """A row as it lies in a table or an archive.

    What a tracker's file calls deleted was taken by the tracker: its issue is gone.
    """
    there = set(row.keys())
    values = {name: row[name] if name in there else _NOT_EMPTY.get(name) for name in columns}
    if "archive_reason" not in there:
        return KeptRow(values)
    reason = "orphaned" if of_tracker and row["archive_reason"] == "deleted" else row["archive_reason"]
    return KeptRow(values, Archived(row["archived_at"], reason))


def _asking(old: OldDatabase) -> Ask:
    return lambda text, params: old.connection.execute(text, params).fetchall()


def _count(old: OldDatabase, table: str) -> int:
    return sum(
        int(old.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 - our own names
        for name in (table, f"{table}_archive")
        if name in old.tables
    )
