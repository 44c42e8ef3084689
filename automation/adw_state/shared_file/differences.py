"""Whether anything is wrong, seen cheaply.

A small database is looked at row by row every time. In a large one that would cost tens of
milliseconds, so the last full look is remembered (adw_reconcile_state): as long as the tracker's issues
have only been added to since then (their number and their highest row number grew by as many as the
tracker's events tell of), only what is new can be the reason for a reconciliation. A full look is taken again
when that is not so, and once a day.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from adw_state.clock import parse_time
from adw_state.engine.transaction import Row, Transaction
from adw_state.store import sql

SMALL_ROWS = 1_000
_LONG_AGO = timedelta(days=1)
_MANY_NEW = 100
_EVENT_COLUMNS = 7


class Differences(NamedTuple):
    """What a look at the database showed. `damaged` is what reconciles; `unremembered` is bookkeeping."""

    follows_events: bool
    """The tracker keeps events that renames can be followed by."""
    watermark: int | None
    """Up to which event renames were followed; None if that is not known."""
    newest_event: int
    events_rebuilt: bool
    renamed: bool
    returning: bool
    reidentified: tuple[tuple[str, str], ...]
    ids_reused: bool
    orphaned: bool
    parts_orphaned: bool
    unremembered: bool

    @property
    def went_on(self) -> bool:
        """Whether anything happened in the tracker that was not followed yet."""
        return self.newest_event > (self.watermark or 0)

    @property
    def damaged(self) -> bool:
        """Whether rows of ours must be put right."""
        return (
            self.events_rebuilt
            or self.renamed
            or self.returning
            or bool(self.reidentified)
            or self.ids_reused
            or self.orphaned
            or self.parts_orphaned
        )


class _Past(NamedTuple):
    """What is known of the tracker's events: the newest one, and up to which renames were followed."""

    kept: bool
    newest: int
    watermark: int | None
    rebuilt: bool

    @property
    def went_on(self) -> bool:
        """Whether anything happened that was not followed yet."""
        return self.newest > (self.watermark or 0)


def look(tx: Transaction, *, thorough: bool = False) -> Differences:
    """See what is wrong; `thorough` looks at every row however large the database is."""
    texts = sql.load("reconciliation")
    evidence = tx.all(texts["evidence"])[0]
    past = _past(tx, evidence["event_watermark"])
    small = _is_small(evidence)
    full = thorough or small or past.watermark is None or not _only_added_to(tx, evidence, past)
    since = {
        "after": past.watermark or 0,
        "seen_issue_row": 0 if full else evidence["seen_issue_row"],
        "seen_archive_row": 0 if full else evidence["seen_archive_row"],
    }
    grown = any(evidence[name] > since[f"seen_{name}"] for name in ("issue_row", "archive_row"))
    coming_back = texts["any_returning" if full else "any_returning_of_new"]
    known = past.watermark is not None
    return Differences(
        follows_events=past.kept,
        watermark=past.watermark,
        newest_event=max(past.newest, since["after"]),
        events_rebuilt=past.rebuilt,
        renamed=known and past.went_on and bool(tx.all(texts["any_rename"], since)),
        returning=grown and bool(tx.all(coming_back, since)),
        reidentified=reidentified(tx, since["after"]) if past.went_on else (),
        ids_reused=past.went_on and bool(tx.all(texts["ids_reused"], since)),
        orphaned=full and bool(tx.all(texts["orphans"])),
        parts_orphaned=grown and bool(tx.all(texts["any_orphaned_part"], since)),
        unremembered=not known
        or _much_is_new(evidence, past.newest)
        or (full and not thorough and not small),
    )


def keeps_events(tx: Transaction) -> bool:
    """Whether the tracker keeps events in the shape that we understand."""
    return bool(tx.all(sql.load("reconciliation")["event_columns"])[0]["found"] == _EVENT_COLUMNS)


def newest_event(tx: Transaction) -> int:
    """The number of the newest event that is still there; 0 without one."""
    return int(tx.all(sql.load("reconciliation")["newest_event"])[0]["newest"] or 0)


def reidentified(tx: Transaction, after: int) -> tuple[tuple[str, str], ...]:
    """(gone id, new id) of issues that were deleted and made anew; only where either has one partner."""
    texts = sql.load("reconciliation")
    if not tx.all(texts["any_gone"]):
        return ()
    pairs = [
        (row["old_issue_id"], row["new_issue_id"]) for row in tx.all(texts["reidentified"], {"after": after})
    ]
    olds, news = Counter(old for old, _ in pairs), Counter(new for _, new in pairs)
    return tuple((old, new) for old, new in pairs if olds[old] == 1 and news[new] == 1)


def remember(tx: Transaction, newest: int) -> None:
    """Write down what is seen now, after every row was looked at and put right."""
    texts = sql.load("reconciliation")
    evidence = tx.all(texts["evidence"])[0]
    tx.execute(
        texts["remember"],
        {
            "event_watermark": newest,
            "issues": evidence["issues"],
            "issue_row": evidence["issue_row"],
            "archive_row": evidence["archive_row"],
            "now": tx.now,
        },
    )


def _past(tx: Transaction, watermark: int | None) -> _Past:
    kept = keeps_events(tx)
    newest = newest_event(tx) if kept else 0
    rebuilt = kept and watermark is not None and newest < watermark and _highest_event(tx) < watermark
    return _Past(kept, newest, None if rebuilt else watermark, rebuilt)


def _highest_event(tx: Transaction) -> int:
    """The highest number that an event ever had, or that one has now where the tracker reuses numbers."""
    texts = sql.load("reconciliation")
    if tx.all(texts["has_sequences"])[0]["found"]:
        row = tx.one(texts["event_sequence"])
        if row is not None:
            return int(row["highest"])
    return newest_event(tx)


def _is_small(evidence: Row) -> bool:
    return bool(max(evidence["execution_row"], evidence["archive_row"]) <= SMALL_ROWS)


def _only_added_to(tx: Transaction, evidence: Row, past: _Past) -> bool:
    """Whether issues and archive have only grown since the last full look, which is not long ago."""
    if parse_time(tx.now) - parse_time(evidence["looked_at"]) > _LONG_AGO:
        return False
    more = evidence["issues"] - evidence["seen_issues"]
    higher = evidence["issue_row"] - evidence["seen_issue_row"]
    if not more == higher >= 0 or evidence["archive_row"] < evidence["seen_archive_row"]:
        return False
    if not past.kept:
        return True
    # The newest issue deleted and another one made: number and row are as before, but an event tells.
    created = sql.load("reconciliation")["created_since"]
    return bool(more == (tx.all(created, {"after": past.watermark})[0]["created"] if past.went_on else 0))


def _much_is_new(evidence: Row, newest: int) -> bool:
    """Whether so much was added since the last full look that looking at it becomes slow."""
    added: tuple[int, ...] = (
        newest - (evidence["event_watermark"] or 0),
        evidence["issues"] - (evidence["seen_issues"] or 0),
        evidence["archive_row"] - (evidence["seen_archive_row"] or 0),
    )
    return max(added) > _MANY_NEW
