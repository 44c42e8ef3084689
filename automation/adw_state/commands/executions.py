"""`adw list` and `adw checkpoints`: what is stored, row by row."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from adw_state.clock import Clock, default_clock
from adw_state.commands.options import common, open_state
from adw_state.commands.output import age, print_json, print_table
from adw_state.errors import ExecutionNotFoundError, InvalidInputError
from adw_state.state import ADWState, BeadsStateManager, Execution
from adw_state.store.records import EXECUTION_STATUSES
from adw_state.trackers.tracker import Location


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
@click.option("--name", metavar="NAME", help="Only checkpoints of this name.")
@click.option("--data", "with_data", is_flag=True, help="Print the saved data too.")
@common
def checkpoints(adw_id: str, name: str | None, with_data: bool, db: str | None, as_json: bool) -> None:
    """List the saved steps of an execution, in order."""
    location, state = open_state(db)
    with state:
        execution = required_execution(location, state, adw_id)
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


def required_execution(location: Location, state: BeadsStateManager, adw_id: str) -> Execution:
    """The execution with this id, or the only one whose id begins so. Raises `ExecutionNotFoundError`."""
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
