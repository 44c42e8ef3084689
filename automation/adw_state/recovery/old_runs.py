"""The runs in an old database, one at a time in order of their ids, so that memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adw_state.clock import parse_time
from adw_state.errors import InvalidInputError
from adw_state.store import sql
from adw_state.store.runs import (
    ARCHIVES,
    ATTEMPT_COLUMNS,
    CHECKPOINT_COLUMNS,
    EXECUTION_COLUMNS,
    LIVE_TABLES,
    Ask,
    RowCounts,
    RunRows,
    StoredRow,
    stored_row,
    with_parts,
)
from adw_state.store.sqlite.driver import Connection


@dataclass(frozen=True, slots=True)
class OldDatabase:
    """An open old database: which of our tables it has, and what was noticed on the way, in sentences."""

    connection: Connection
    tables: frozenset[str]
    of_tracker: bool
    """Whether it holds a tracker's issues too."""
    notes: tuple[str, ...]


def count_rows(old: OldDatabase) -> RowCounts:
    """How many rows an old database holds."""
    return RowCounts(*[_count(old, table) for table in LIVE_TABLES])


def newest_change(old: OldDatabase) -> datetime | None:
    """When an execution in it was changed last; None if it holds none, or no time that can be read."""
    ask, texts = _asking(old), sql.load("restore")
    times = [
        ask(texts[name], {})[0]["newest"]
        for table, name in (("adw_executions", "newest_live"), ("adw_executions_archive", "newest_archived"))
        if table in old.tables
    ]
    try:
        return max((parse_time(time) for time in times if isinstance(time, str)), default=None)
    except InvalidInputError:
        return None


def read_runs(old: OldDatabase) -> Iterator[RunRows]:
    """Every run that an old database holds, the archived ones after the live."""
    for execution in read_executions(old):
        yield with_parts(_asking(old), old.tables, execution, reason_of_deleted=_deleted(old))


def read_executions(old: OldDatabase) -> Iterator[StoredRow]:
    """Every execution in an old database once: the live ones, then the newest copies of archived ones."""
    ask, texts = _asking(old), sql.load("restore")
    if "adw_executions" in old.tables:
        for row in old.connection.execute(texts["old_executions"]):
            yield stored_row(row, EXECUTION_COLUMNS)
    if "adw_executions_archive" in old.tables:
        former: object = None
        lives = texts["old_execution_lives"] if "adw_executions" in old.tables else None
        for row in old.connection.execute(texts["old_archived_executions"]):
            copy_of_former = former is not None and row["id"] == former
            former = row["id"]
            if not copy_of_former and not (lives and ask(lives, {"id": former})):
                yield stored_row(row, EXECUTION_COLUMNS, reason_of_deleted=_deleted(old))


def read_orphans(old: OldDatabase) -> Iterator[tuple[str, StoredRow]]:
    """Archived attempts and checkpoints without any execution, each with the word for what it is."""
    if not old.tables >= {*LIVE_TABLES, *ARCHIVES}:
        return
    texts = sql.load("restore")
    for what, columns, text in (
        ("attempt", ATTEMPT_COLUMNS, texts["old_orphaned_attempts"]),
        ("checkpoint", CHECKPOINT_COLUMNS, texts["old_orphaned_checkpoints"]),
    ):
        for row in old.connection.execute(text):
            yield what, stored_row(row, columns, reason_of_deleted=_deleted(old))


def _deleted(old: OldDatabase) -> str:
    """What "deleted" means there: in a tracker's file it was the tracker, so the issue is gone."""
    return "orphaned" if old.of_tracker else "deleted"


def _asking(old: OldDatabase) -> Ask:
    return lambda text, params: old.connection.execute(text, params).fetchall()


def _count(old: OldDatabase, table: str) -> int:
    return sum(
        int(old.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 - our own names
        for name in (table, f"{table}_archive")
        if name in old.tables
    )
