"""Retention: finished executions leave the live tables for the archives, in short transactions."""

from __future__ import annotations

from datetime import timedelta

from adws.adw_modules.clock import format_time
from adws.adw_modules.errors import InvalidInputError
from adws.adw_modules.store import sql
from adws.adw_modules.store.database import Database, Transaction

_BATCH = 500


def archive_finished(database: Database, days: float) -> int:
    """Archive the executions that ended more than `days` ago; how many there were.

    Works in batches, so that writers beside it wait no longer than one batch takes.
    """
    if not 0 <= days <= 36_500:
        raise InvalidInputError(f"{days!r} is not a number of days", hint="give a number from 0 to 36500")
    ended_before = format_time(database.clock.now() - timedelta(days=days))
    archived = 0
    while batch := database.write(lambda tx: _archive_batch(tx, ended_before)):
        archived += batch
    return archived


def _archive_batch(tx: Transaction, ended_before: str) -> int:
    texts = sql.load("archive")
    tx.execute(texts["request_retention"], {"now": tx.now, "ended_before": ended_before, "most": _BATCH})
    archived = tx.execute(texts["delete_requested"])
    tx.execute(texts["forget_requests"])
    return archived
