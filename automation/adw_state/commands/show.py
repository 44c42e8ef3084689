"""`adw show`: one execution, with what its agents did and used."""

from __future__ import annotations

import shlex

import click

from adw_state.agents.kinds import KINDS
from adw_state.agents.result import TOKENS
from adw_state.clock import default_clock
from adw_state.commands.executions import required_execution
from adw_state.commands.options import common, open_state, settings
from adw_state.commands.output import print_json, print_line, print_table, seconds
from adw_state.errors import command_on
from adw_state.state import Attempt, Execution
from adw_state.store.owner import Life, life_of
from adw_state.store.records import UNFINISHED
from adw_state.visible_text import one_line

# Tokens in the order of `TOKENS`.
_TOKEN_COLUMNS = ["in", "cache read", "cache write", "out", "reasoning"]
_USE_COLUMNS = ["phase", "no.", "session", *_TOKEN_COLUMNS, "cost $", "cost is"]


@click.command()
@click.argument("adw_id")
@common
def show(adw_id: str, db: str | None, as_json: bool) -> None:
    """Show one execution with its attempts and checkpoints."""
    location, state = open_state(db)
    with state:
        execution = required_execution(location, state, adw_id)
        attempts, checkpoints = state.list_attempts(execution.id), state.list_checkpoints(execution.id)
    lease = settings(location).lease_seconds
    life = _life(execution, attempts, lease) if execution.status in UNFINISHED else None
    if as_json:
        print_json("adw.show/1", execution=execution, life=life, attempts=attempts, checkpoints=checkpoints)
        return
    _print_execution(execution, life)
    print_table(
        "Attempts",
        ["phase", "no.", "status", "took", "agent", "model", "error"],
        [
            [
                attempt.phase,
                attempt.attempt,
                attempt.status,
                seconds(attempt.duration_seconds),
                attempt.agent,
                attempt.model,
                attempt.error_message,
            ]
            for attempt in attempts
        ],
        flexible=["error", "agent", "model"],
        dispensable=["model"],
    )
    _print_use(attempts)
    print_table(
        "Checkpoints",
        ["seq", "phase", "attempt", "name", "saved at (UTC)"],
        [[c.seq, c.phase, c.attempt, c.checkpoint_name, c.created_at] for c in checkpoints],
    )
    by_hand = _resumes_by_hand(execution, attempts)
    if by_hand is not None:
        print_line(f"To resume the newest session by hand: {by_hand}")


def _print_use(attempts: list[Attempt]) -> None:
    """What agents used, by attempt, where they said so; costs of one kind are summed, never across kinds."""
    told = [one for one in attempts if one.session_id or one.cost_kind or one.input_tokens is not None]
    if not told:
        return
    print_table(
        "Sessions, tokens and costs",
        _USE_COLUMNS,
        [
            [one.phase, one.attempt, one.session_id, *_tokens(one), one.cost_usd, one.cost_kind]
            for one in told
        ],
        flexible=["session"],
        dispensable=["cache write", "reasoning", "cache read"],
    )
    sums = [
        f"{sum(one.cost_usd or 0 for one in told if one.cost_kind == kind):.4f} $ {kind}"
        for kind in ("reported", "estimated")
        if any(one.cost_kind == kind for one in told)
    ]
    unknown = sum(one.cost_kind not in ("reported", "estimated") for one in told)
    if unknown:
        sums.append(f"unknown for {unknown} attempt{'' if unknown == 1 else 's'}")
    print_line(f"Costs: {', '.join(sums)}")


def _tokens(attempt: Attempt) -> list[int | None]:
    return [getattr(attempt, name) for name in TOKENS]


def _resumes_by_hand(execution: Execution, attempts: list[Attempt]) -> str | None:
    """The command line that resumes the newest session of an agent that is known, in its worktree."""
    with_session = [one for one in attempts if one.session_id and one.agent in KINDS]
    if not with_session or not execution.worktree_path:
        return None
    newest = max(with_session, key=lambda one: (one.started_at, one.place, one.attempt))
    kind = KINDS[str(newest.agent)]
    words = (kind.name, *kind.resume, str(newest.session_id))
    return f"cd {shlex.quote(execution.worktree_path)} && {shlex.join(words)}"


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
