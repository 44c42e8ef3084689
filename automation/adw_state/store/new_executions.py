"""Executions: begin."""

from __future__ import annotations

from functools import cache, partial

from adw_state.errors import AdwError, DuplicateExecutionError
from adw_state.store import checkpoints, sql
from adw_state.store.checkpoints import NewCheckpoint
from adw_state.store.database import Database
from adw_state.store.executions import from_row, get, why_not_claimed
from adw_state.store.home import Home
from adw_state.store.records import Execution
from adw_state.store.transaction import Params, Row, Transaction


def create(database: Database, new: Params, first: NewCheckpoint | None) -> Execution:
    """Begin an execution, with its first checkpoint if there is one.

    `new` are the parameters of the statement `create` without `now`. Raises `IssueNotFoundError`,
    `DuplicateExecutionError` or `IssueClaimedError`.
    """
    row = _insert(database, new, first)
    if row is None and database.home.reconcile():
        row = _insert(database, new, first)
    if row is None:
        raise database.read(partial(_why_not_created, new=new, home=database.home))
    return from_row(row)


def _insert(database: Database, new: Params, first: NewCheckpoint | None) -> Row | None:
    text = statement(database.home.issue)
    if first is None:
        return database.write_row(text, new)

    def unit(tx: Transaction) -> Row | None:
        row = tx.one(text, {**new, "now": tx.now})
        if row is not None:
            checkpoints.append(tx, first)
        return row

    return database.write(unit)


@cache
def statement(issue: str) -> str:
    """The statement `create` of a home that says this of an issue."""
    create = sql.load("executions")["create"]
    return f"WITH issue AS ({issue}) {create}"


def _why_not_created(tx: Transaction, new: Params, home: Home) -> AdwError:
    if get(tx, str(new["id"])) is not None:
        return DuplicateExecutionError(
            f"an execution with the id {new['id']!r} exists already",
            hint="leave out the id to get a fresh one, or go on with it by `adw resume`",
        )
    home.require_issue(tx, str(new["issue_id"]))
    return why_not_claimed(tx, str(new["issue_id"]))
