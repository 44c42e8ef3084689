"""Executions whose issues changed: they get new ids, wait in the archive, and come back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from adw_state.engine.transaction import Row, Transaction
from adw_state.errors import ConstraintError
from adw_state.shared_file.reconciliations import Reconciliation, executions_text
from adw_state.shared_file.renames import Renamed
from adw_state.store import sql


def follow_renames(tx: Transaction, outcome: Renamed) -> list[Reconciliation]:
    """Move live and archived executions to the ids that their issues have now.

    All move at once, so ids may change places. Executions of an issue that was renamed and then deleted
    go to the archive under its last id; those of one whose id passed to another issue stay behind.
    """
    if not (outcome.moves or outcome.gone):
        return []
    texts = sql.load("reconciliation")
    counts = _counts(tx, [*outcome.moves, *outcome.gone])
    known = _present(tx, outcome.moves.values())
    moves = {old: new for old, new in outcome.moves.items() if new in known}
    gone = [issue for issue in sorted(outcome.gone) if issue in counts]
    archive(tx, gone, "id_reused")
    tx.execute(texts["detach_archived"], {"issues": json.dumps(gone)})
    archive(tx, [old for old in outcome.moves if old not in moves], "orphaned")
    tx.execute(texts["move_archived"], {"moves": _pairs(outcome.moves)})
    _move_live(tx, moves)
    return [
        *(_left_behind(issue, counts[issue]) for issue in gone),
        *(
            _moved(old, new, counts[old], lives=new in known)
            for old, new in outcome.moves.items()
            if old in counts
        ),
    ]


def move_archived(tx: Transaction, moves: Mapping[str, str]) -> dict[str, int]:
    """Give archived executions the new ids of their issues; how many each old id had."""
    if not moves:
        return {}
    counts = _counts(tx, moves)
    tx.execute(sql.load("reconciliation")["move_archived"], {"moves": _pairs(moves)})
    return {issue: archived for issue, (_, archived) in counts.items()}


def archive(tx: Transaction, issues: Collection[str], reason: str) -> None:
    """Move the live executions of these issues to the archive."""
    if issues:
        requests = {"issues": json.dumps(list(issues)), "reason": reason, "now": tx.now}
        tx.execute(sql.load("reconciliation")["request_by_issue"], requests)
        serve_requests(tx)


def archive_rows(tx: Transaction, found: Sequence[Row], reason: str) -> Counter[str]:
    """Move the live executions of these rows to the archive; how many there were of each issue."""
    if found:
        rows = json.dumps([row["live_row"] for row in found])
        tx.execute(sql.load("reconciliation")["request"], {"rows": rows, "reason": reason, "now": tx.now})
        serve_requests(tx)
    return Counter(row["issue_id"] for row in found)


def serve_requests(tx: Transaction) -> None:
    """Move the executions that were asked for to the archive."""
    tx.execute(sql.load("archive")["delete_requested"])
    tx.execute(sql.load("archive")["forget_requests"])


def _move_live(tx: Transaction, moves: Mapping[str, str]) -> None:
    # Two issues that change ids would for a moment both be held under one of them, so holds are let go.
    texts = sql.load("reconciliation")
    claims = [row["id"] for row in tx.all(texts["claims_of_issues"], {"issues": json.dumps(list(moves))})]
    tx.execute(texts["release"], {"ids": json.dumps(claims)})
    tx.execute(texts["move_live"], {"moves": _pairs(moves)})
    for execution_id in claims:
        tx.execute(texts["claim_if_free"], {"id": execution_id})


def _counts(tx: Transaction, issues: Collection[str]) -> dict[str, tuple[int, int]]:
    rows = tx.all(sql.load("reconciliation")["count_by_issue"], {"issues": json.dumps(list(issues))})
    return {row["issue_id"]: (row["live"], row["archived"]) for row in rows}


def _present(tx: Transaction, issues: Collection[str]) -> set[str]:
    rows = tx.all(sql.load("reconciliation")["present_issues"], {"issues": json.dumps(list(issues))})
    return {row["id"] for row in rows}


def _pairs(moves: Mapping[str, str]) -> str:
    return json.dumps(list(moves.items()))


def _moved(old: str, new: str, counts: tuple[int, int], *, lives: bool) -> Reconciliation:
    live, archived = counts
    what = executions_text(live + archived)
    if not lives:
        detail = f"the tracker renamed {old} to {new} and deleted it; {what} kept in the archive"
        return Reconciliation("orphaned", old, new, live + archived, detail)
    detail = f"the tracker renamed {old} to {new}; {what} moved along, {archived:,} of them archived"
    return Reconciliation("renamed", old, new, live + archived, detail)


def _left_behind(issue: str, counts: tuple[int, int]) -> Reconciliation:
    what = executions_text(sum(counts))
    detail = f"the tracker deleted {issue} and gave its id to another issue; {what} kept in the archive"
    return Reconciliation("id_reused", issue, None, sum(counts), detail)


def adopt(tx: Transaction, pairs: Mapping[str, str]) -> list[Reconciliation]:
    """Give archived executions of re-made issues the new ids; `restore` then brings them back."""
    return [
        Reconciliation(
            "reidentified",
            old,
            pairs[old],
            number,
            f"the tracker deleted {old} and made the same issue anew as {pairs[old]};"
            f" {executions_text(number)} moved along",
        )
        for old, number in move_archived(tx, pairs).items()
    ]


def restore(tx: Transaction) -> list[Reconciliation]:
    """Bring back every archived execution whose issue lives, with its attempts and checkpoints.

    Where another execution holds the issue by now, the one that comes back does not hold it. What
    cannot come back stays in the archive with the reason, and is not tried again.
    """
    texts = sql.load("reconciliation")
    reused = tx.all(texts["reused_ids"])
    _mark(tx, reused, "id_reused")
    waiting = tx.all(texts["returning"])
    newest = {row["id"]: row for row in reversed(waiting) if not row["lives"]}
    lives = _bring_executions(tx, [row["archive_row"] for row in newest.values() if row["named"]])
    back = [row for row in newest.values() if row["archive_row"] in lives]
    _bring_parts(tx, back)
    refused = [row for row in newest.values() if row["archive_row"] not in lives]
    copies = [
        row for row in waiting if row["lives"] or row["archive_row"] != newest[row["id"]]["archive_row"]
    ]
    return [
        *(id_reused(*one) for one in Counter(row["issue_id"] for row in reused).items()),
        *_restored(back),
        *_left(tx, refused, "unrestorable", "an archived row breaks a rule of its table and stays there"),
        *_left(tx, copies, "superseded", "the execution lives already; its archived copy stays there"),
    ]


def id_reused(issue: str, executions: int) -> Reconciliation:
    """The entry for executions of a deleted issue whose id another issue has now."""
    detail = (
        f"{issue} is another issue now; {executions_text(executions)} of the deleted one kept in the archive"
    )
    return Reconciliation("id_reused", issue, None, executions, detail)


def _bring_executions(tx: Transaction, archive_rows: list[int]) -> set[int]:
    """Copy these archived executions back; which came. One that breaks a rule of its table stays there."""
    found = tx.all(sql.load("reconciliation")["archived_executions"], {"rows": json.dumps(archive_rows)})
    values = {row["archive_row"]: {name: row[name] for name in row.keys()} for row in found}  # noqa: SIM118
    add, came = sql.load("executions")["add"], set()
    for archive_row in archive_rows:
        with suppress(ConstraintError):
            tx.execute(add, values[archive_row])
            came.add(archive_row)
    return came


def _bring_parts(tx: Transaction, back: list[Row]) -> None:
    texts = sql.load("reconciliation")
    rows = {"rows": json.dumps([row["archive_row"] for row in back])}
    ids = {"ids": json.dumps([row["id"] for row in back])}
    tx.execute(texts["restore_attempts"], ids)
    tx.execute(texts["restore_checkpoints"], ids)
    tx.execute(texts["forget_restored_attempts"], ids)
    tx.execute(texts["forget_restored_checkpoints"], ids)
    tx.execute(texts["forget_restored_executions"], rows)


def _restored(back: Iterable[Row]) -> list[Reconciliation]:
    numbers = Counter(row["issue_id"] for row in back)
    return [
        Reconciliation("restored", None, issue, number, f"{executions_text(number)} came back with {issue}")
        for issue, number in sorted(numbers.items())
    ]


def _left(tx: Transaction, rows: list[Row], reason: str, why: str) -> list[Reconciliation]:
    _mark(tx, rows, reason)
    return [Reconciliation(reason, row["issue_id"], None, 1, f"{row['id']}: {why}") for row in rows]


def _mark(tx: Transaction, rows: list[Row], reason: str) -> None:
    """Give archived executions another reason, with which they wait for their issue no longer."""
    if rows:
        marked = {"rows": json.dumps([row["archive_row"] for row in rows]), "reason": reason}
        tx.execute(sql.load("reconciliation")["mark_archived"], marked)
