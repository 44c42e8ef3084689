"""What was reconciled, when and why: the rows of adw_reconciliations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adw_state.clock import parse_time
from adw_state.engine.transaction import Transaction
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.importing import Tally


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One thing that was put right. `executions` counts the executions concerned."""

    kind: str
    old_issue_id: str | None
    new_issue_id: str | None
    executions: int
    detail: str
    seq: int = 0
    reconciled_at: datetime | None = None


def list_reconciliations(database: Database, *, limit: int = 100) -> list[Reconciliation]:
    """What was reconciled in this database, newest first, at most `limit` entries."""
    rows = database.select(sql.load("reconciliation")["reconciliations"], {"most": limit})
    return [
        Reconciliation(
            kind=row["kind"],
            old_issue_id=row["old_issue_id"],
            new_issue_id=row["new_issue_id"],
            executions=row["executions"],
            detail=row["detail"],
            seq=row["seq"],
            reconciled_at=parse_time(row["reconciled_at"]),
        )
        for row in rows
    ]


def record(tx: Transaction, reconciliations: Sequence[Reconciliation]) -> None:
    """Write down what this transaction reconciled."""
    if not reconciliations:
        return
    entries = [[h.kind, h.old_issue_id, h.new_issue_id, h.executions, h.detail] for h in reconciliations]
    # An id that somebody made a BLOB is written down as Python shows it.
    tx.execute(
        sql.load("reconciliation")["record"],
        {"reconciliations": json.dumps(entries, default=repr), "now": tx.now},
    )


def record_import(tx: Transaction, kind: str, source: str, tally: Tally) -> None:
    """Write down what came in from a source, if anything did; `kind` is recovered or moved."""
    if not tally.changes:
        return
    executions = tally.restored + tally.renewed + tally.archived
    detail = (
        f"from {source}: {executions_text(tally.restored)} restored,"
        f" {tally.renewed:,} brought up to date, {tally.archived:,} kept in the archive,"
        f" {tally.attempts:,} attempts, {tally.checkpoints:,} checkpoints"
    )
    record(tx, [Reconciliation(kind, None, None, executions, detail)])


def executions_text(number: int) -> str:
    """A number of executions in words."""
    return f"{number:,} execution" + ("" if number == 1 else "s")
