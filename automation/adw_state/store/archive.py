"""The archive: how finished executions go there, and what is said of one that did."""

from __future__ import annotations

from functools import partial

from adw_state.clock import format_time, hours_before
from adw_state.engine.transaction import Row, Transaction
from adw_state.errors import ExecutionNotFoundError, InvalidInputError
from adw_state.store import opening, sql
from adw_state.store.database import Database
from adw_state.store.records import ENDED

_BATCH = 500
_WHY = {
    "retention": "because it had ended long before",
    "deleted": "when it was deleted",
    "orphaned": "because the tracker no longer has its issue",
    "id_reused": "because the tracker gave the id of its issue to another issue",
}


def archive_finished(database: Database, days: float) -> int:
    """Archive the executions that ended more than `days` ago; how many there were.

    Works in batches, so that writers beside it wait no longer than one batch takes.
    """
    if not 0 <= days <= 36_500:
        raise InvalidInputError(f"{days!r} is not a number of days", hint="give a number from 0 to 36500")
    ended_before = format_time(hours_before(database.clock.now(), days * 24))
    archived = 0
    for status in ENDED:
        while batch := database.write(partial(_archive_batch, status=status, ended_before=ended_before)):
            archived += batch
    return archived


def _archive_batch(tx: Transaction, *, status: str, ended_before: str) -> int:
    texts = sql.load("archive")
    params = {"now": tx.now, "status": status, "ended_before": ended_before, "most": _BATCH}
    tx.execute(texts["request_retention"], params)
    archived = tx.execute(texts["delete_requested"])
    tx.execute(texts["forget_requests"])
    return archived


def why_not_there(tx: Transaction, execution_id: str) -> ExecutionNotFoundError:
    """The error for an execution that is not in the live tables."""
    row = tx.one(sql.load("archive")["archived"], {"id": execution_id})
    if row is None:
        return ExecutionNotFoundError(
            f"there is no execution {execution_id!r}", hint="`adw list` shows the executions"
        )
    in_shared_file = opening.is_in_shared_file(tx)
    when = str(row["archived_at"] or "an unknown day")[:10]
    why = _WHY.get(row["archive_reason"], f"for the reason {row['archive_reason']!r}")
    if row["archive_reason"] == "deleted" and in_shared_file:
        why = "when its issue was deleted"
    return ExecutionNotFoundError(
        f"execution {execution_id} was archived on {when}, {why}; its rows are in the tables adw_*_archive",
        hint=_what_to_do(row, in_shared_file=in_shared_file),
    )


def is_archived(tx: Transaction, execution_id: str) -> bool:
    """Whether the archive has an execution of this id."""
    return tx.one(sql.load("archive")["archived"], {"id": execution_id}) is not None


def _what_to_do(row: Row, *, in_shared_file: bool) -> str:
    anew = f"start a new run on issue {row['issue_id']} with `adw run`"
    if row["archive_reason"] not in ("deleted", "orphaned"):
        return anew
    if in_shared_file:
        return f"bring issue {row['issue_id']} back in the tracker; then `adw status` finds its runs again"
    return f"`adw restore` brings it back, or {anew}"
