"""Rows that somebody deleted by hand from a sidecar come back from its archive.

Beside a tracker's issues that is reconciliation's work, which knows why rows went. In a sidecar no
tracker takes rows away, so what is called deleted there was deleted by a person.
"""

from __future__ import annotations

from adw_state.shared_file.reconciliations import Reconciliation, executions_text, record
from adw_state.store import sql
from adw_state.store.importing import Tally, revive_run
from adw_state.store.runs import ARCHIVES, EXECUTION_COLUMNS, LIVE_TABLES, stored_row, with_parts
from adw_state.store.transaction import Transaction


def bring_back(tx: Transaction) -> Tally:
    """Bring back every execution that was deleted by hand; what came back."""
    texts, tables = sql.load("restore"), frozenset((*LIVE_TABLES, *ARCHIVES))
    done = Tally()
    for row in tx.all(texts["deleted_by_hand"]):
        copies = tx.all(texts["archived_execution_rows"], {"id": row["id"]})
        done += revive_run(tx, with_parts(tx.all, tables, stored_row(copies[0], EXECUTION_COLUMNS)))
    if done.changes:
        detail = f"{executions_text(done.restored)} had been deleted and came back from the archive"
        record(tx, [Reconciliation("recovered", None, None, done.restored, detail)])
    return done
