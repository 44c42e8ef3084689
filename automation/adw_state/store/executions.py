"""Executions: begin, change, own, look up.

What comes down to one statement takes the database; what is a part of more takes the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import NamedTuple

from adw_state.clock import format_time, parse_time, seconds_before
from adw_state.engine.transaction import Params, Row, Transaction
from adw_state.errors import (
    AdwError,
    ConstraintError,
    DuplicateExecutionError,
    ExecutionHeldError,
    IllegalTransitionError,
    IssueClaimedError,
    OwnershipLostError,
    command_on,
)
from adw_state.store import sql
from adw_state.store.archive import why_not_there
from adw_state.store.database import Database
from adw_state.store.home import Home
from adw_state.store.ids import BEHIND_EVERY_ID, MOST_NAMED, the_only
from adw_state.store.owner import Life, life_of, owner_in_words, owner_is_dead
from adw_state.store.records import Execution, execution_from_row
from adw_state.store.values import place_of


class PageStart(NamedTuple):
    """Where a page of executions goes on: after this row of the page before."""

    started_at: datetime
    id: str


def create(database: Database, new: Params, first: Params | None) -> Execution:
    """Begin an execution, with its first checkpoint if there is one.

    `new` and `first` are the parameters of the statements `create` and `append` without `now`. Raises
    `IssueNotFoundError`, `DuplicateExecutionError` or `IssueClaimedError`.
    """
    row = _insert(database, new, first)
    if row is None and database.home.reconcile():
        row = _insert(database, new, first)
    if row is None:
        raise database.read(partial(_why_not_created, new=new, home=database.home))
    return execution_from_row(row)


def _insert(database: Database, new: Params, first: Params | None) -> Row | None:
    text = create_statement(database.home.issue)
    if first is None:
        return database.write_row(text, new)

    def unit(tx: Transaction) -> Row | None:
        row = tx.one(text, {**new, "now": tx.now})
        if row is not None:
            tx.execute(sql.load("checkpoints")["append"], {**first, "now": tx.now})
        return row

    return database.write(unit)


@cache
def create_statement(issue: str) -> str:
    """The statement `create` of a home that says this of an issue."""
    create = sql.load("executions")["create"]
    return f"WITH issue AS ({issue}) {create}"


def _why_not_created(tx: Transaction, new: Params, home: Home) -> AdwError:
    if get(tx, str(new["id"])) is not None:
        return DuplicateExecutionError(
            f"an execution with the id {new['id']!r} exists already",
            hint="leave out the id to get a fresh one, or resume it with `adw resume`",
        )
    home.require_issue(tx, str(new["issue_id"]))
    return why_not_claimed(tx, str(new["issue_id"]))


def change_status(database: Database, execution_id: str, changes: Mapping[str, object]) -> Execution:
    """Move an execution to another status, and set the fields that are not None.

    `changes` are the parameters of the statement `change_status` without `id` and `now`. Raises
    `ExecutionNotFoundError`, `OwnershipLostError`, `IllegalTransitionError` or, for a phase that it does not
    have, `InvalidInputError`.
    """
    row = database.write_row(sql.load("executions")["change_status"], {**changes, "id": execution_id})
    if row is None:
        raise database.read(partial(_why_not_changed, execution_id=execution_id, changes=changes))
    return execution_from_row(row)


def change_status_within(tx: Transaction, execution_id: str, changes: Mapping[str, object]) -> Execution:
    """The same as a part of a transaction."""
    row = tx.one(sql.load("executions")["change_status"], {**changes, "id": execution_id, "now": tx.now})
    if row is None:
        raise _why_not_changed(tx, execution_id, changes)
    return execution_from_row(row)


def _why_not_changed(
    tx: Transaction, execution_id: str, changes: Mapping[str, object]
) -> IllegalTransitionError:
    change = f"to {changes['status']!r}"
    return why_not_written(tx, execution_id, changes["fence"], change, changes["phase"])


def take_over(
    tx: Transaction, execution_id: str, owner: str, *, lease_seconds: float, force: bool
) -> Execution:
    """Make `owner` the owner of an execution that nobody living owns; see the statement `take_over`."""
    present = require(tx, execution_id)
    dead_owner = present.owner if present.owner and owner_is_dead(present.owner) else None
    params = {
        "id": execution_id,
        "owner": owner,
        "dead_owner": dead_owner,
        "silent_since": format_time(seconds_before(parse_time(tx.now), lease_seconds)),
        "force": int(force),
        "claim": int(not force),
        "now": tx.now,
    }
    try:
        taken = tx.execute(sql.load("executions")["take_over"], params)
    except ConstraintError as error:
        if error.is_unique:
            raise why_not_claimed(tx, present.issue_id) from error
        raise
    if taken:
        return require(tx, execution_id)
    if present.status == "completed":
        raise IllegalTransitionError(
            f"execution {execution_id} is completed; there is nothing left to do",
            hint=f"start a new one with `{command_on('adw run', present.issue_id)}`",
        )
    raise ExecutionHeldError(
        f"execution {execution_id} is being worked on by {owner_in_words(present.owner)}",
        hint="wait for it, stop that process, or take it over with --force",
    )


def beat(database: Database, execution_id: str, fence: int) -> None:
    """Record that the owner lives. Raises `OwnershipLostError` when it is the owner no more."""
    _write_as_owner(database, "beat", execution_id, fence, "by a sign of life")


def release(database: Database, execution_id: str, fence: int) -> None:
    """Leave an unfinished execution. Raises `OwnershipLostError` when another process owns it."""
    _write_as_owner(database, "release", execution_id, fence, "by being left")


def _write_as_owner(database: Database, statement: str, execution_id: str, fence: int, change: str) -> None:
    params = {"id": execution_id, "fence": fence}
    if database.write_row(sql.load("executions")[statement], params) is None:
        raise database.read(lambda tx: why_not_written(tx, execution_id, fence, change))


def get(tx: Transaction, execution_id: str) -> Execution | None:
    """One execution, or None."""
    row = tx.one(sql.load("executions")["get"], {"id": execution_id})
    return execution_from_row(row) if row else None


def get_by_beginning(tx: Transaction, execution_id: str) -> Execution | None:
    """The execution with this id, else the only one whose id begins so.

    Raises `InvalidInputError` when more than one begins so.
    """
    found = get(tx, execution_id)
    if found is not None:
        return found
    params = {"beginning": execution_id, "behind": execution_id + BEHIND_EVERY_ID, "most": MOST_NAMED + 1}
    rows = tx.all(sql.load("executions")["ids_beginning"], params)
    whole = the_only([row["id"] for row in rows], execution_id)
    return None if whole is None else get(tx, whole)


def find(tx: Transaction, filters: Params, after: PageStart | None, most: int) -> list[Execution]:
    """Executions that pass the filters of the statements `list` and `list_of_issue`, newest first."""
    params = {
        **filters,
        "before_started_at": format_time(after.started_at) if after else None,
        "before_id": after.id if after else None,
        "most": most,
    }
    name = "list" if filters["issue_id"] is None else "list_of_issue"
    return [execution_from_row(row) for row in tx.all(sql.load("executions")[name], params)]


def require(tx: Transaction, execution_id: str) -> Execution:
    """One execution. Raises `ExecutionNotFoundError`, which says so where it was archived."""
    present = get(tx, execution_id)
    if present is None:
        raise why_not_there(tx, execution_id)
    return present


def require_owned(tx: Transaction, execution_id: str, fence: object, phase: object = None) -> Execution:
    """One execution, if it has this phase, if any, and with a fence is the caller's.

    Raises `ExecutionNotFoundError`, `OwnershipLostError` or `InvalidInputError`.
    """
    present = require(tx, execution_id)
    if fence is not None and present.fence != fence:
        raise OwnershipLostError(
            f"execution {execution_id} was taken over by {owner_in_words(present.owner)};"
            " this process may not write to it",
            hint="let the other process finish; `adw show` tells how far it is",
        )
    if phase is not None:
        place_of(str(phase), present.phases, execution_id)
    return present


def why_not_written(
    tx: Transaction, execution_id: str, fence: object, change: str, phase: object = None
) -> IllegalTransitionError:
    """Why a write that names this execution met no row: it is over, unless `require_owned` raises."""
    present = require_owned(tx, execution_id, fence, phase)
    return IllegalTransitionError(
        f"execution {execution_id} is {present.status} and cannot be changed {change}",
        hint="`adw resume` goes on with one that waits, failed or was cancelled; a completed one stays so",
    )


def why_not_claimed(tx: Transaction, issue_id: str) -> IssueClaimedError:
    """Who holds the issue that an execution wanted to hold."""
    row = tx.one(sql.load("executions")["claimant"], {"issue_id": issue_id})
    if row is None:
        return IssueClaimedError(
            f"another execution held issue {issue_id} a moment ago", hint="try again; `adw status` shows more"
        )
    holder = execution_from_row(row)
    life = life_of(holder, has_open_attempt=row["open_attempts"] > 0, now=parse_time(tx.now))
    return issue_claimed(issue_id, holder.id, life)


def issue_claimed(issue_id: str, holder: str, life: Life | None) -> IssueClaimedError:
    """That an execution holds the issue, and what can be done about it, which depends on whether it lives."""
    if life is not None and life.is_over:
        return IssueClaimedError(
            f"issue {issue_id} is held by execution {holder}, which is {life.state}: {life.why}",
            hint=f"resume it with `{command_on('adw resume', holder)}`, or start a second run with --force",
        )
    go_on = "" if life else f", resume it with `{command_on('adw resume', holder)}`"
    return IssueClaimedError(
        f"issue {issue_id} is being worked on by execution {holder}",
        hint=f"look at it by `{command_on('adw show', holder)}`{go_on}, or start a second run with --force",
    )
