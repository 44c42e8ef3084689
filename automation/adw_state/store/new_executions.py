"""Executions: begin. Every function works inside a transaction of the caller."""

from __future__ import annotations

from typing import TypedDict

from adw_state.clock import parse_time
from adw_state.errors import ConstraintError, DuplicateExecutionError, IssueNotFoundError
from adw_state.store import sql
from adw_state.store.executions import why_not_claimed
from adw_state.store.json_values import decode
from adw_state.store.phase_list import decode_phases
from adw_state.store.records import Execution
from adw_state.store.transaction import Transaction


class NewExecution(TypedDict):
    """An execution to be begun: the parameters of the statement `create` without `now`."""

    id: str
    issue_id: str
    workflow: str
    environment: str
    phases: str
    phase: str
    status: str
    owner: str | None
    fence: int
    claimed: int
    issue_title: str | None
    issue_type: str | None
    issue_priority: int | None
    base_commit: str | None
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
    return Execution(
        id=new["id"],
        issue_id=new["issue_id"],
        workflow=new["workflow"],
        environment=new["environment"],
        phases=decode_phases(new["phases"]),
        phase=new["phase"],
        status=new["status"],
        started_at=now,
        updated_at=now,
        heartbeat_at=None if new["owner"] is None else now,
        owner=new["owner"],
        fence=new["fence"],
        claimed=bool(new["claimed"]),
        issue_title=new["issue_title"],
        issue_type=new["issue_type"],
        issue_priority=new["issue_priority"],
        base_commit=new["base_commit"],
        worktree_name=new["worktree_name"],
        worktree_path=new["worktree_path"],
        branch_name=new["branch_name"],
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
