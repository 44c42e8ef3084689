"""`adw list`, `adw show` and `adw checkpoints`: what is stored, row by row."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from adw_state.clock import Clock, default_clock
from adw_state.commands.options import common, open_state, settings
from adw_state.commands.output import age, print_json, print_line, print_table, seconds
from adw_state.errors import ExecutionNotFoundError, InvalidInputError, command_on
from adw_state.state import ADWState, Attempt, BeadsStateManager, Execution
from adw_state.store.owner import Life, life_of
from adw_state.store.records import EXECUTION_STATUSES, UNFINISHED
from adw_state.trackers.tracker import Location
from adw_state.visible_text import one_line


@click.command("list")
@click.option("--issue", metavar="ID", help="Only executions of this issue.")
@click.option("--status", type=click.Choice(EXECUTION_STATUSES), help="Only executions in this status.")
@click.option("--phase", metavar="PHASE", help="Only executions that are, or ended, in this phase.")
@click.option("--env", "environment", metavar="NAME", help="Only executions of this environment.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most.")
@common
def list_executions(
    issue: str | None,
    status: str | None,
    phase: str | None,
    environment: str | None,
    limit: int,
    db: str | None,
    as_json: bool,
) -> None:
    """List executions, newest first."""
    _, state = open_state(db)
    with state:
        found = state.list_executions(
            issue_id=issue, status=status, phase=phase, environment=environment, limit=limit
        )
    if as_json:
        print_json("adw.list/1", executions=found)
        return
    print_executions("Executions, newest first", found, default_clock())


def print_executions(title: str, found: list[Execution], clock: Clock) -> None:
    """Print executions as a table."""
    rows = [
        [
            execution.id,
            execution.issue_id,
            execution.status,
            execution.phase,
            age(execution.started_at, clock.now()),
            execution.issue_type,
            execution.error_message or execution.issue_title,
        ]
        for execution in found
    ]
    columns = ["execution", "issue", "status", "phase", "started", "type", "error or title"]
    print_table(title, columns, rows, flexible=["error or title"], dispensable=["started", "type"])


@click.command()
@click.argument("adw_id")
@common
def show(adw_id: str, db: str | None, as_json: bool) -> None:
    """Show one execution with its attempts and checkpoints."""
    location, state = open_state(db)
    with state:
        execution = _required(location, state, adw_id)
        attempts, checkpoints = state.list_attempts(execution.id), state.list_checkpoints(execution.id)
    lease = settings(location).lease_seconds
    life = _life(execution, attempts, lease) if execution.status in UNFINISHED else None
    if as_json:
        print_json("adw.show/1", execution=execution, life=life, attempts=attempts, checkpoints=checkpoints)
        return
    _print_execution(execution, life)
    print_table(
        "Attempts",
        ["phase", "no.", "status", "took", "agent", "model", "cost $", "error"],
        [
            [
                attempt.phase,
                attempt.attempt,
                attempt.status,
                seconds(attempt.duration_seconds),
                attempt.agent,
                attempt.model,
                attempt.cost_usd,
                attempt.error_message,
            ]
            for attempt in attempts
        ],
        flexible=["error", "agent", "model"],
        dispensable=["model", "cost $"],
    )
    print_table(
        "Checkpoints",
        ["seq", "phase", "attempt", "name", "saved at (UTC)"],
        [[c.seq, c.phase, c.attempt, c.checkpoint_name, c.created_at] for c in checkpoints],
    )


@click.command()
@click.argument("adw_id")
@click.option("--name", metavar="NAME", help="Only checkpoints of this name.")
@click.option("--data", "with_data", is_flag=True, help="Print the saved data too.")
@common
def checkpoints(adw_id: str, name: str | None, with_data: bool, db: str | None, as_json: bool) -> None:
    """List the saved steps of an execution, in order."""
    location, state = open_state(db)
    with state:
        execution = _required(location, state, adw_id)
        found = [c for c in state.list_checkpoints(execution.id) if name in (None, c.checkpoint_name)]
    if as_json:
        print_json("adw.checkpoints/1", execution_id=execution.id, checkpoints=found)
        return
    columns = ["seq", "phase", "attempt", "name", "saved at (UTC)"] + (["data"] if with_data else [])
    rows = [
        [c.seq, c.phase, c.attempt, c.checkpoint_name, c.created_at]
        + ([json.dumps(c.data, ensure_ascii=False)] if with_data else [])
        for c in found
    ]
    print_table(f"Checkpoints of {execution.id}", columns, rows, flexible=["data"])


def _required(location: Location, state: BeadsStateManager, adw_id: str) -> Execution:
    try:
        return state.require_execution(adw_id)
    except ExecutionNotFoundError:
        with suppress(InvalidInputError):  # an id that cannot name a folder has no JSON state
            kept = ADWState(adw_id, location.project).path
            if kept.exists() and not state.is_archived(adw_id):
                raise ExecutionNotFoundError(
                    f"execution {adw_id} is kept in JSON only, in {kept}",
                    hint="`adw restore` brings it into the database",
                ) from None
        raise


def _life(execution: Execution, attempts: list[Attempt], lease_seconds: float) -> Life | None:
    return life_of(
        execution,
        has_open_attempt=any(attempt.status == "in_progress" for attempt in attempts),
        now=default_clock().now(),
        lease_seconds=lease_seconds,
    )


def _print_execution(execution: Execution, life: Life | None) -> None:
    print_line(f"Execution  {execution.id}")
    print_line(f"Issue      {execution.issue_id}  {one_line(execution.issue_title or '')}")
    kind = execution.issue_type or "type unknown"
    priority = "?" if execution.issue_priority is None else execution.issue_priority
    print_line(f"           {kind}, priority {priority}")
    print_line(f"Status     {execution.status}, in {execution.phase}")
    if life is not None and life.is_over:
        print_line(f"           {life.state}: {life.why}; `{command_on('adw resume', execution.id)}` goes on")
    if execution.release_by:
        print_line(f"Released   by {one_line(execution.release_by)}")
    if execution.error_message:
        print_line(f"Error      {execution.error_message}")
    ended = f"ended {execution.completed_at:%Y-%m-%d %H:%M:%S}" if execution.completed_at else "not ended"
    print_line(f"Time       started {execution.started_at:%Y-%m-%d %H:%M:%S} UTC, {ended}")
    if execution.branch_name:
        print_line(f"Branch     {execution.branch_name}")
    if execution.worktree_path:
        print_line(f"Worktree   {execution.worktree_path}")
    if execution.plan_file:
        print_line(f"Plan       {execution.plan_file}")
