"""Rows that were set aside come into our tables, or into the archive where they cannot live.

A row whose issue the tracker does not have waits in the archive as 'orphaned' and comes back with its
issue; one that breaks a rule of its table stays there as 'unrestorable'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from itertools import groupby

from adw_state.errors import InvalidInputError
from adw_state.store import sql, values
from adw_state.store.legacy.attempts import known_attempts
from adw_state.store.legacy.conversion import Old, Values, convert, convert_loose_checkpoints
from adw_state.store.sqlite.driver import Connection, IntegrityError

_NO_ISSUE = "orphaned"
_BREAKS_A_RULE = "unrestorable"


class Mover:
    """Moves the rows of one transaction, at the moment `now`; `zone` is that of local times."""

    def __init__(self, connection: Connection, now: str, zone: tzinfo | None, *, beside_issues: bool) -> None:
        self._connection = connection
        self._texts = sql.load("legacy")
        self._now = now
        self._zone = zone
        self._beside_issues = beside_issues

    def move(self) -> None:
        """Every row that was set aside finds its place."""
        moved: set[object] = set()
        for old in self._kept("kept_executions"):
            key = old.get("id")
            points = [] if key in moved else list(self._kept("kept_checkpoints", {"execution_id": key}))
            self._execution(old, points)
            moved.add(key)
        loose = self._kept("kept_checkpoints_of_none")
        for _, group in groupby(loose, key=lambda old: old["execution_id"]):
            for point in convert_loose_checkpoints(list(group), self._zone):
                self._archive("checkpoint", point, _NO_ISSUE)

    def _execution(self, old: Old, old_checkpoints: list[Old]) -> None:
        issue = self._issue(old.get("issue_id"))
        converted = convert(old, old_checkpoints, issue or {}, self._zone)
        reason = _NO_ISSUE if issue is None else None
        if not (_can_be_asked_for(converted.execution) and _has_a_phase(converted.execution)):
            reason = _BREAKS_A_RULE
        if reason is None and not self._add("execution", converted.execution):
            reason = _BREAKS_A_RULE
        if reason is not None:
            self._archive("execution", converted.execution, reason)
        self._parts("attempt", known_attempts(converted), reason)
        self._parts("checkpoint", converted.checkpoints, reason)

    def _parts(self, kind: str, parts: Iterable[Values], reason: str | None) -> None:
        for part in parts:
            if reason is not None:
                self._archive(kind, part, reason)
            elif not (_has_a_phase(part) and self._add(kind, part)):
                self._archive(kind, part, _BREAKS_A_RULE)

    def _issue(self, issue_id: object) -> Mapping[str, object] | None:
        """The snapshot of an issue as it is now; empty beside no tracker, None where it has no such issue."""
        if not self._beside_issues:
            return {}
        rows = self._connection.execute(self._texts["issue"], {"issue_id": issue_id}).fetchall()
        return dict(rows[0]) if rows else None

    def _add(self, kind: str, row: Values) -> bool:
        """Whether the row could be written into its table."""
        try:
            self._connection.execute(self._texts[f"add_{kind}"], row)
        except IntegrityError:
            return False
        return True

    def _archive(self, kind: str, row: Values, reason: str) -> None:
        where = {"archived_at": self._now, "archive_reason": reason}
        self._connection.execute(self._texts[f"archive_{kind}"], {**row, **where})

    def _kept(self, text: str, params: Mapping[str, object] | None = None) -> Iterator[Old]:
        for row in self._connection.execute(self._texts[text], params or {}):
            yield {name.lower(): row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over values


def _has_a_phase(row: Values) -> bool:
    try:
        values.phase(row["phase"])
    except InvalidInputError:
        return False
    return True


def _can_be_asked_for(execution: Values) -> bool:
    try:
        values.execution_id(execution["id"])
    except InvalidInputError:
        return False
    return True
