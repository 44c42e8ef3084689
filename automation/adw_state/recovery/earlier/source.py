"""The runs in a database of the earlier implementation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from itertools import groupby

from adw_state.recovery.earlier.attempts import known_attempts
from adw_state.recovery.earlier.conversion import Old, convert, convert_loose_checkpoints
from adw_state.store import sql
from adw_state.store.previous_tables import PreviousTables
from adw_state.store.runs import (
    ATTEMPT_COLUMNS,
    CHECKPOINT_COLUMNS,
    EXECUTION_COLUMNS,
    Archived,
    RunRows,
    StoredRow,
    complete,
)
from adw_state.store.sqlite.driver import Connection


class EarlierSource:
    """What one such database holds; `zone` is that of local times, by default the machine's."""

    def __init__(self, connection: Connection, found: PreviousTables, zone: tzinfo | None) -> None:
        self._connection = connection
        self._tables = found.tables
        self._zone = zone
        self._texts = sql.load("previous_tables")
        self._has_issues = bool(self._rows("issues_table"))

    def runs(self) -> Iterator[RunRows]:
        """Every execution with its checkpoints, in the order in which they were written."""
        if "adw_executions" not in self._tables:
            return
        seen: set[object] = set()
        for old in self._rows("executions"):
            key = old.get("id")
            yield self._run(old, [] if key in seen else self._checkpoints(key))
            seen.add(key)

    def orphans(self, now: str) -> Iterator[tuple[str, StoredRow]]:
        """The checkpoints without an execution, each with the word for what it is."""
        if not {"adw_executions", "adw_checkpoints"} <= set(self._tables):
            return
        for _, group in groupby(self._rows("checkpoints_of_none"), key=lambda old: old["execution_id"]):
            for values in convert_loose_checkpoints(list(group), self._zone):
                yield "checkpoint", StoredRow(_first(values, CHECKPOINT_COLUMNS), Archived(now, "orphaned"))

    def _run(self, old: Old, old_checkpoints: list[Old]) -> RunRows:
        converted = convert(old, old_checkpoints, self._issue(old.get("issue_id")), self._zone)
        return RunRows(
            StoredRow(complete(converted.execution, EXECUTION_COLUMNS)),
            [StoredRow(_first(values, ATTEMPT_COLUMNS)) for values in known_attempts(converted)],
            [StoredRow(_first(values, CHECKPOINT_COLUMNS)) for values in converted.checkpoints],
        )

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


def _first(values: Mapping[str, object], columns: Iterable[str]) -> dict[str, object]:
    """A row of the only attempt at a phase that is known."""
    return {**complete(values, columns), "attempt": 1}
