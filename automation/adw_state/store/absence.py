"""Why an execution is not there: it never was, or it was archived, when, why, and what can be done."""

from __future__ import annotations

from adw_state.errors import ExecutionNotFoundError
from adw_state.store import opening, sql
from adw_state.store.transaction import Row, Transaction

_WHY = {
    "retention": "because it had ended long before",
    "deleted": "when it was deleted",
    "orphaned": "because the tracker no longer has its issue",
    "id_reused": "because the tracker gave the id of its issue to another issue",
}


def why_not_there(tx: Transaction, execution_id: str) -> ExecutionNotFoundError:
    """The error for an execution that is not in the live tables."""
    row = tx.one(sql.load("archive")["archived"], {"id": execution_id})
    if row is None:
        return ExecutionNotFoundError(
            f"there is no execution {execution_id!r}", hint="`adw list` shows the executions"
        )
    beside_issues = opening.lies_beside_issues(tx)
    when = str(row["archived_at"] or "an unknown day")[:10]
    why = _WHY.get(row["archive_reason"], f"for the reason {row['archive_reason']!r}")
    if row["archive_reason"] == "deleted" and beside_issues:
        why = "when its issue was deleted"
    return ExecutionNotFoundError(
        f"execution {execution_id} was archived on {when}, {why}; its rows are in the tables adw_*_archive",
        hint=_what_to_do(row, beside_issues=beside_issues),
    )


def is_archived(tx: Transaction, execution_id: str) -> bool:
    """Whether the archive has an execution of this id."""
    return tx.one(sql.load("archive")["archived"], {"id": execution_id}) is not None


def _what_to_do(row: Row, *, beside_issues: bool) -> str:
    anew = f"start a new run on issue {row['issue_id']} with `adw run`"
    if row["archive_reason"] not in ("deleted", "orphaned"):
        return anew
    if beside_issues:
        return f"bring issue {row['issue_id']} back in the tracker; then `adw status` finds its runs again"
    return f"`adw restore` brings it back, or {anew}"
