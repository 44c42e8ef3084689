"""Rows that somebody deleted by hand from a sidecar come back from its archive.

Beside a tracker's issues that is healing's work, which knows why rows went. In a sidecar no
tracker takes rows away, so what is called deleted there was deleted by a person.
"""

from __future__ import annotations

from adw_state.recovery.merge import Merge, Tally
from adw_state.recovery.old_database import ARCHIVES, LIVE_TABLES
from adw_state.recovery.runs import EXECUTION_COLUMNS, kept, with_children
from adw_state.shared_file.audit import Healing, executions_text, record
from adw_state.store import sql
from adw_state.store.transaction import Transaction


def bring_back(tx: Transaction) -> Tally:
    """Bring back every execution that was deleted by hand; what came back."""
    merge = Merge(tx, beside_issues=False)
    for row in tx.all(sql.load("restore")["deleted_by_hand"]):
        merge.whole(lambda execution_id=row["id"]: _bring_back_one(tx, merge, execution_id))  # type: ignore[misc]
    if merge.tally.changes:
        detail = f"{executions_text(merge.tally.restored)} had been deleted and came back from the archive"
        record(tx, [Healing("recovered", None, None, merge.tally.restored, detail)])
    return merge.tally


def _bring_back_one(tx: Transaction, merge: Merge, execution_id: str) -> Tally:
    texts, tables = sql.load("restore"), frozenset((*LIVE_TABLES, *ARCHIVES))
    newest = kept(tx.all(texts["archived_execution_rows"], {"id": execution_id})[0], EXECUTION_COLUMNS)
    done = merge.add_living(with_children(tx.all, tables, newest, of_tracker=False))
    for text in ("forget_archived_execution", "forget_archived_attempts", "forget_archived_checkpoints"):
        tx.execute(texts[text], {"id": execution_id})
    return done
