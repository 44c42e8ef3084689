"""Executions get the new ids of their issues."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from adw_state.engine.transaction import Row, Transaction
from adw_state.shared_file.reconciliations import Reconciliation, executions_text
from adw_state.shared_file.renames import Renamed
from adw_state.store import sql


def apply(tx: Transaction, outcome: Renamed) -> list[Reconciliation]:
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
