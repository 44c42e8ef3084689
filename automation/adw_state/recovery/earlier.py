"""The runs in a database of the earlier implementation of this idea, as runs of ours.

It had two tables, `adw_executions` and `adw_checkpoints`; a phase was overwritten as a run went on. So an
attempt is derived only where both are known: how it ended, and a moment at which it was at work. That is so
for a run that never left plan, which began with it, and for a phase that saved a checkpoint. How long an
attempt took is known only where the run's own start and end are its start and end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import groupby
from operator import itemgetter

from adw_state.built_in import PHASES
from adw_state.clock import parse_time
from adw_state.engine.sqlite.driver import Connection
from adw_state.recovery.earlier_rows import Converted, Old, Values, convert, convert_loose_checkpoints
from adw_state.schema.previous_tables import PreviousTables
from adw_state.store import sql
from adw_state.store.importing import Content
from adw_state.store.runs import (
    ATTEMPT_COLUMNS,
    CHECKPOINT_COLUMNS,
    EXECUTION_COLUMNS,
    Archived,
    RunRows,
    StoredRow,
    complete,
)

_END_OF_OWN_PHASE = {"in_progress": "in_progress", "completed": "completed", "failed": "failed"}


class EarlierSource:
    """What one such database holds; `zone` is that of local times, by default the machine's."""

    def __init__(self, connection: Connection, found: PreviousTables, zone: tzinfo | None) -> None:
        self._connection = connection
        self._tables = found.tables
        self._zone = zone
        self._texts = sql.load("previous_tables")
        self._has_issues = bool(self._rows("issues_table"))

    def contents(self, now: str) -> Iterator[Content]:
        """Every execution with its checkpoints, in the order in which they were written; then the orphans."""
        if "adw_executions" not in self._tables:
            return
        seen: set[object] = set()
        for old in self._rows("executions"):
            key = old.get("id")
            yield self._run(old, [] if key in seen else self._checkpoints(key))
            seen.add(key)
        if "adw_checkpoints" not in self._tables:
            return
        for _, group in groupby(self._rows("checkpoints_of_none"), key=itemgetter("execution_id")):
            for values in convert_loose_checkpoints(list(group), self._zone):
                yield "checkpoint", StoredRow(_first(values, CHECKPOINT_COLUMNS), Archived(now, "orphaned"))

    def _run(self, old: Old, old_checkpoints: list[Old]) -> RunRows:
        converted = convert(old, old_checkpoints, self._issue(old.get("issue_id")), self._zone)
        return RunRows(
            StoredRow(complete(converted.execution, EXECUTION_COLUMNS)),
            [StoredRow(_first(values, ATTEMPT_COLUMNS)) for values in _known_attempts(converted)],
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


def _known_attempts(converted: Converted) -> list[Values]:
    """The attempts that the execution's row and its checkpoints show, one at most per phase."""
    own = converted.execution["phase"]
    if own not in PHASES:
        return []
    reached = PHASES[: PHASES.index(str(own)) + 1]
    found = (_attempt(phase, converted, is_own=phase == own) for phase in reached)
    return [attempt for attempt in found if attempt]


def _attempt(phase: str, converted: Converted, *, is_own: bool) -> Values | None:
    execution = converted.execution
    points = (point for point in converted.checkpoints if point["phase"] == phase)
    signs = [str(point["created_at"]) for point in points if point["created_at"] is not None]
    began_the_run = phase == PHASES[0] and converted.start_is_known
    if not (signs or (began_the_run and is_own)):
        return None
    # Whoever went on to a later phase had completed this one.
    status = _END_OF_OWN_PHASE.get(str(execution["status"])) if is_own else "completed"
    if status is None:
        return None
    started = str(execution["started_at"]) if began_the_run else min(signs)
    finished = _finished(execution, signs, started, is_own=is_own)
    whole = began_the_run and is_own and status != "in_progress" and converted.end_is_known
    return {
        "execution_id": execution["id"],
        "phase": phase,
        "place": PHASES.index(phase) + 1,
        "status": status,
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": _seconds(started, str(finished)) if whole else None,
        "error_message": execution["error_message"] if status == "failed" else None,
    }


def _finished(execution: Values, signs: Sequence[str], started: str, *, is_own: bool) -> str | None:
    if is_own:
        ended = execution["completed_at"]
        return None if ended is None else max(str(ended), started)
    return max([started, *signs])


def _seconds(started: str, finished: str) -> float:
    return (parse_time(finished) - parse_time(started)).total_seconds()
