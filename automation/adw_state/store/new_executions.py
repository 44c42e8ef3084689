"""Executions: begin. Every function works inside a transaction of the caller."""

from __future__ import annotations

from typing import TypedDict

from adw_state.clock import parse_time
from adw_state.errors import ConstraintError, DuplicateExecutionError, IssueNotFoundError
from adw_state.store import sql
from adw_state.store.executions import why_not_claimed
from adw_state.store.json_values import decode
from adw_state.store.records import Execution
from adw_state.store.transaction import Transaction


class NewExecution(TypedDict):
    """An execution to be begun: the parameters of the statement `create` without `now`."""

    id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    issue_priority: int | None
    workflow: str
    environment: str
    phase: str
    status: str
    owner: str | None
    fence: int
    claimed: int
    worktree_name: str | None
    worktree_path: str | None
    branch_name: str | None
    extra_data: str | None


def create(tx: Transaction, new: NewExecution, *, beside_issues: bool) -> Execution:
    """Insert an execution, or say why that cannot be.

    Raises `IssueNotFoundError`, `DuplicateExecutionError` or `IssueClaimedError`.
    """
    if beside_issues:
        new = _with_issue(tx, new)
    try:
        made = _insert(tx, "create", new)
    except ConstraintError as error:
        if error.is_unique:
            raise why_not_claimed(tx, new["issue_id"]) from error
        raise
    if made is None:
        raise DuplicateExecutionError(
            f"an execution with the id {new['id']!r} exists already",
            hint="leave the id away to get a fresh one, or go on with it by `adw resume`",
        )
    return made


def create_at_once(tx: Transaction, new: NewExecution, *, beside_issues: bool) -> Execution | None:
    """Insert an execution by one statement, if nothing stands against it.

    What may stand against it: the id is taken, or an event of the tracker was not followed yet. Raises
    `IssueNotFoundError`, and breaks a constraint if the issue is held or went away a moment ago.
    """
    if beside_issues:
        return _insert(tx, "create_in_step", _with_issue(tx, new))
    return _insert(tx, "create", new)


def _insert(tx: Transaction, statement: str, new: NewExecution) -> Execution | None:
    """The execution as it is stored now; None if the statement made no row."""
    if not tx.execute(sql.load("executions")[statement], {**new, "now": tx.now}):
        return None
    now = parse_time(tx.now)
    # By position, in the order of the fields: names would cost as much as the checks of all the values.
    return Execution(
        new["id"],
        new["issue_id"],
        new["issue_title"],
        new["issue_type"],
        new["issue_priority"],
        new["workflow"],
        new["environment"],
        new["phase"],
        new["status"],
        now,
        now,
        None,
        None if new["owner"] is None else now,
        new["owner"],
        new["fence"],
        bool(new["claimed"]),
        None,
        new["worktree_name"],
        new["worktree_path"],
        new["branch_name"],
        plan_file=None,
        pr_created=False,
        pr_url=None,
        extra_data=None if new["extra_data"] is None else decode(new["extra_data"]),
    )


def _with_issue(tx: Transaction, new: NewExecution) -> NewExecution:
    """The same with what it lacks of the issue's title, type and priority."""
    issue = tx.one(sql.load("executions")["living_issue"], {"issue_id": new["issue_id"]})
    if issue is None:
        raise IssueNotFoundError(
            f"there is no issue {new['issue_id']!r} in this tracker", hint="`bd list` shows the issues"
        )
    title, issue_type, priority = issue
    full = new.copy()
    full["issue_title"] = title if new["issue_title"] is None else new["issue_title"]
    full["issue_type"] = issue_type if new["issue_type"] is None else new["issue_type"]
    full["issue_priority"] = priority if new["issue_priority"] is None else new["issue_priority"]
    return full
