"""Retention: finished executions leave the live tables for the archives, in short transactions."""

from __future__ import annotations

from functools import partial

from adw_state.clock import format_time, hours_before
from adw_state.errors import InvalidInputError
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.records import ENDED
from adw_state.store.transaction import Transaction

_BATCH = 500


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
