"""Archived executions come back when their issue lives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

from adw_state.engine.transaction import Row, Transaction
from adw_state.errors import ConstraintError
from adw_state.shared_file import moves
from adw_state.shared_file.reconciliations import Reconciliation, executions_text
from adw_state.store import sql


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
        for old, number in moves.move_archived(tx, pairs).items()
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
