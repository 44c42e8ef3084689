"""Putting right what a look found, in one transaction, in the order in which the one rests on the other.

Renames first, because everything after them goes by the present ids; then rows without an issue to the
archive, where an issue that was made anew finds them; then what may come back comes back.
"""

from __future__ import annotations

from adw_state.shared_file import audit, diagnosis, moves, renames, returns
from adw_state.shared_file.audit import Healing, executions_text
from adw_state.shared_file.diagnosis import Diagnosis
from adw_state.shared_file.renames import Outcome, TimedRenames, read_time
from adw_state.store import sql
from adw_state.store.transaction import Transaction


def treat(tx: Transaction, *, thorough: bool = False) -> tuple[Healing, ...]:
    """Look again, put right what is wrong, write it down, and remember what was seen."""
    seen = diagnosis.look(tx, thorough=thorough)
    if not (seen.damaged or seen.unremembered):
        if seen.went_on:
            diagnosis.remember(tx, seen.newest_event)
        return ()
    healings = _events_rebuilt(seen)
    healings += moves.apply(tx, _renamed(tx, seen))
    if seen.follows_events:
        healings += _archive_estranged(tx, seen.watermark or 0)
    healings += _archive_orphans(tx)
    if seen.follows_events:
        healings += returns.adopt(tx, dict(diagnosis.reidentified(tx, seen.watermark or 0)))
    healings += returns.restore(tx)
    if seen.strayed:
        _archive_strays(tx)
    diagnosis.remember(tx, seen.newest_event)
    audit.record(tx, healings)
    return tuple(healings)


def _events_rebuilt(seen: Diagnosis) -> list[Healing]:
    if not seen.events_rebuilt:
        return []
    detail = "the tracker's events began anew, so its file was rebuilt; renames are followed from here on"
    return [Healing("events_rebuilt", None, None, 0, detail)]


def _renamed(tx: Transaction, seen: Diagnosis) -> Outcome:
    if not seen.follows_events:
        return Outcome({}, frozenset())
    events = tx.all(sql.load("healing")["renames"], {"after": seen.watermark or 0})
    if seen.watermark is not None:
        return renames.follow((event["old_value"], event["new_value"]) for event in events)
    known = TimedRenames((e["old_value"], e["new_value"], read_time(e["created_at"])) for e in events)
    found = {}
    for row in tx.all(sql.load("healing")["starts_of_missing"]):
        first, last = read_time(row["first_start"]), read_time(row["last_start"])
        if first and last and (present := known.present_id(row["issue_id"], first, last)):
            found[row["issue_id"]] = present
    return Outcome(found, frozenset())


def _archive_orphans(tx: Transaction) -> list[Healing]:
    texts = sql.load("healing")
    orphans = tx.all(texts["orphans"])
    if orphans:
        tx.execute(texts["request_orphans"], {"now": tx.now})
        moves.serve_requests(tx)
    return [
        Healing(
            "orphaned",
            row["issue_id"],
            None,
            row["executions"],
            f"the tracker has no issue {row['issue_id']}; {executions_text(row['executions'])} archived",
        )
        for row in orphans
    ]


def _archive_estranged(tx: Transaction, after: int) -> list[Healing]:
    texts = sql.load("healing")
    estranged = tx.all(texts["estranged"], {"after": after})
    if estranged:
        tx.execute(texts["request_estranged"], {"after": after, "now": tx.now})
        moves.serve_requests(tx)
    return [returns.stranger(row["issue_id"], row["executions"]) for row in estranged]


def _archive_strays(tx: Transaction) -> None:
    texts = sql.load("healing")
    if tx.execute(texts["request_strays"], {"now": tx.now}) > 0:
        tx.execute(texts["delete_requested_attempts"])
        tx.execute(texts["delete_requested_checkpoints"])
        tx.execute(sql.load("archive")["forget_requests"])
