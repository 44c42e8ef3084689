"""Putting right what a look found, in one transaction, in the order in which the one rests on the other.

Renames first, because everything after them goes by the present ids; then rows without an issue to the
archive, where an issue that was made anew finds them; then what may come back comes back.
"""

from __future__ import annotations

from adw_state.engine.transaction import Transaction
from adw_state.shared_file import differences, renames, returns
from adw_state.shared_file.differences import Differences
from adw_state.shared_file.reconciliations import Reconciliation, executions_text, record
from adw_state.shared_file.renames import Renamed, TimedRenames, read_time
from adw_state.store import sql


def reconcile_rows(tx: Transaction, *, thorough: bool = False) -> tuple[Reconciliation, ...]:
    """Look again, put right what is wrong, write it down, and remember what was seen."""
    seen = differences.look(tx, thorough=thorough)
    if not (seen.damaged or seen.unremembered):
        if seen.went_on:
            differences.remember(tx, seen.newest_event)
        return ()
    done = _events_rebuilt(seen)
    done += returns.follow_renames(tx, _renamed(tx, seen))
    if seen.follows_events:
        done += _archive_reused_ids(tx, seen.watermark or 0)
    done += _archive_orphans(tx)
    if seen.follows_events:
        done += returns.adopt(tx, dict(differences.reidentified(tx, seen.watermark or 0)))
    done += returns.restore(tx)
    if seen.parts_orphaned:
        _archive_orphaned_parts(tx)
    differences.remember(tx, seen.newest_event)
    record(tx, done)
    return tuple(done)


def _events_rebuilt(seen: Differences) -> list[Reconciliation]:
    if not seen.events_rebuilt:
        return []
    detail = "the tracker's events began anew, so its file was rebuilt; renames are followed from here on"
    return [Reconciliation("events_rebuilt", None, None, 0, detail)]


def _renamed(tx: Transaction, seen: Differences) -> Renamed:
    if not seen.follows_events:
        return Renamed({}, frozenset())
    events = tx.all(sql.load("reconciliation")["renames"], {"after": seen.watermark or 0})
    if seen.watermark is not None:
        return renames.follow((event["old_value"], event["new_value"]) for event in events)
    known = TimedRenames((e["old_value"], e["new_value"], read_time(e["created_at"])) for e in events)
    found = {}
    for row in tx.all(sql.load("reconciliation")["starts_of_missing"]):
        first, last = read_time(row["first_start"]), read_time(row["last_start"])
        if first and last and (present := known.present_id(row["issue_id"], first, last)):
            found[row["issue_id"]] = present
    return Renamed(found, frozenset())


def _archive_orphans(tx: Transaction) -> list[Reconciliation]:
    orphans = tx.all(sql.load("reconciliation")["orphans"])
    return [
        Reconciliation(
            "orphaned",
            issue,
            None,
            number,
            f"the tracker has no issue {issue}; {executions_text(number)} archived",
        )
        for issue, number in returns.archive_rows(tx, orphans, "orphaned").items()
    ]


def _archive_reused_ids(tx: Transaction, after: int) -> list[Reconciliation]:
    reused = tx.all(sql.load("reconciliation")["ids_reused"], {"after": after})
    return [
        returns.id_reused(issue, number)
        for issue, number in returns.archive_rows(tx, reused, "id_reused").items()
    ]


def _archive_orphaned_parts(tx: Transaction) -> None:
    texts = sql.load("reconciliation")
    if tx.execute(texts["request_orphaned_parts"], {"now": tx.now}) > 0:
        tx.execute(texts["delete_requested_attempts"])
        tx.execute(texts["delete_requested_checkpoints"])
        tx.execute(sql.load("archive")["forget_requests"])
