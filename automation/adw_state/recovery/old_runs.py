"""The runs in an old database, one at a time, so that memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby
from operator import itemgetter

from adw_state.engine.sqlite.driver import Connection, Row
from adw_state.recovery.earlier import Old, convert, convert_loose_checkpoints
from adw_state.schema.previous_tables import PreviousTables
from adw_state.store import sql
from adw_state.store.importing import Content
from adw_state.store.runs import (
    ARCHIVES,
    ATTEMPT_COLUMNS,
    CHECKPOINT_COLUMNS,
    EXECUTION_COLUMNS,
    LIVE_TABLES,
    Archived,
    RowCounts,
    StoredRow,
    stored_row,
    with_parts,
)


@dataclass(frozen=True, slots=True)
class OldDatabase:
    """An open old database: which of our tables it has, and what was noticed on the way, in sentences."""

    connection: Connection
    tables: frozenset[str]
    of_tracker: bool = False
    """Whether it is a tracker's file too. There it was the tracker that deleted, so the issue is gone."""
    notes: tuple[str, ...] = ()

    def summary(self) -> tuple[RowCounts, str | None]:
        """How many rows it holds, and when an execution in it was changed last (stored text)."""
        texts = sql.load("restore")
        newest = [
            self._ask(texts[name], {})[0]["newest"]
            for table, name in (
                ("adw_executions", "newest_live"),
                ("adw_executions_archive", "newest_archived"),
            )
            if table in self.tables
        ]
        counts = RowCounts(*map(self._count, LIVE_TABLES))
        return counts, max((time for time in newest if isinstance(time, str)), default=None)

    def executions(self) -> Iterator[StoredRow]:
        """Every execution once: the live ones, then the newest copies of archived ones."""
        texts = sql.load("restore")
        if "adw_executions" in self.tables:
            for row in self.connection.execute(texts["old_executions"]):
                yield stored_row(row, EXECUTION_COLUMNS)
        if "adw_executions_archive" in self.tables:
            former: object = None
            lives = texts["old_execution_lives"] if "adw_executions" in self.tables else None
            for row in self.connection.execute(texts["old_archived_executions"]):
                copy_of_former = former is not None and row["id"] == former
                former = row["id"]
                if not copy_of_former and not (lives and self._ask(lives, {"id": former})):
                    yield stored_row(row, EXECUTION_COLUMNS, reason_of_deleted=self._deleted)

    def contents(self) -> Iterator[Content]:
        """Every run, the archived ones after the live, then what is archived without any execution."""
        for execution in self.executions():
            yield with_parts(self._ask, self.tables, execution, reason_of_deleted=self._deleted)
        if not self.tables >= {*LIVE_TABLES, *ARCHIVES}:
            return
        for what, columns, text in (
            ("attempt", ATTEMPT_COLUMNS, "old_orphaned_attempts"),
            ("checkpoint", CHECKPOINT_COLUMNS, "old_orphaned_checkpoints"),
        ):
            for row in self.connection.execute(sql.load("restore")[text]):
                yield what, stored_row(row, columns, reason_of_deleted=self._deleted)

    @property
    def _deleted(self) -> str:
        return "orphaned" if self.of_tracker else "deleted"

    def _ask(self, text: str, params: Mapping[str, object]) -> list[Row]:
        return self.connection.execute(text, params).fetchall()

    def _count(self, table: str) -> int:
        found = (name for name in (table, f"{table}_archive") if name in self.tables)
        texts = (f"SELECT count(*) AS found FROM {name}" for name in found)  # noqa: S608 - our own names
        return sum(int(self._ask(text, {})[0]["found"]) for text in texts)


class EarlierDatabase:
    """A database of the earlier implementation, which kept executions and checkpoints.

    `zone` is that of local times, by default the machine's.
    """

    def __init__(self, connection: Connection, found: PreviousTables, zone: tzinfo | None) -> None:
        self._connection = connection
        self._tables = found.tables
        self._zone = zone
        self._texts = sql.load("previous_tables")
        self._has_issues = bool(self._rows("issues_table"))

    def contents(self, now: str) -> Iterator[Content]:
        """Every run in the order in which they were written, then the checkpoints without any execution."""
        if "adw_executions" not in self._tables:
            return
        seen: set[object] = set()
        for old in self._rows("executions"):
            key = old.get("id")
            checkpoints = [] if key in seen else self._checkpoints(key)
            yield convert(old, checkpoints, self._issue(old.get("issue_id")), self._zone)
            seen.add(key)
        if "adw_checkpoints" not in self._tables:
            return
        for _, group in groupby(self._rows("checkpoints_of_none"), key=itemgetter("execution_id")):
            for row in convert_loose_checkpoints(list(group), self._zone):
                yield "checkpoint", StoredRow(row.values, Archived(now, "orphaned"))

    def _checkpoints(self, execution_id: object) -> list[Old]:
        if "adw_checkpoints" not in self._tables:
            return []
        return self._rows("checkpoints", {"execution_id": execution_id})

    def _issue(self, issue_id: object) -> Mapping[str, object]:
        """What the tracker says of an issue; nothing where it has no such issue, or there is no tracker."""
        found = self._rows("issue", {"issue_id": issue_id}) if self._has_issues else []
        return found[0] if found else {}

    def _rows(self, text: str, params: Mapping[str, object] | None = None) -> list[Old]:
        rows = self._connection.execute(self._texts[text], params or {}).fetchall()
        return [{name.lower(): row[name] for name in row.keys()} for row in rows]  # noqa: SIM118
