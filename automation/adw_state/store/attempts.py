"""Attempts: one row per try at a phase. Every function works inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping

from adw_state.clock import parse_time
from adw_state.engine.transaction import Transaction
from adw_state.errors import IllegalTransitionError
from adw_state.store import executions, sql
from adw_state.store.records import Attempt, Execution, attempt_from_row
from adw_state.store.values import place_of


def start(
    tx: Transaction, execution_id: str, phase: str, fence: int | None, used: Mapping[str, str | None]
) -> Attempt:
    """Begin the next attempt at a phase and put the execution to work there.

    `used` are the parameters of the statement `start` that say by what the attempt is made.
    """
    params = {
        **used,
        "execution_id": execution_id,
        "phase": phase,
        "place": place_of(phase, executions.require(tx, execution_id).phases, execution_id),
        "fence": fence,
        "now": tx.now,
    }
    texts = sql.load("attempts")
    row = tx.one(texts["start"], params)
    if row is None:
        reason = executions.why_not_written(tx, execution_id, fence, f"by an attempt at {phase!r}")
        open_one = tx.one(texts["open"], params)
        raise _still_open(attempt_from_row(open_one)) if open_one else reason
    tx.execute(sql.load("executions")["enter_phase"], params)
    return attempt_from_row(row)


def finish(tx: Transaction, attempt: Attempt, outcome: Mapping[str, object]) -> Attempt:
    """End an open attempt; `outcome` are the parameters of the statement `finish` beside its key."""
    took = max(0.0, (parse_time(tx.now) - attempt.started_at).total_seconds())
    times = {"now": tx.now, "duration_seconds": took}
    return _write(tx, attempt, "finish", {**outcome, **times}, "by the end of an attempt")


def note_use(tx: Transaction, attempt: Attempt, used: Mapping[str, object]) -> Attempt:
    """Note what the agent of an attempt has used; `used` are the parameters of the statement `note_use`."""
    return _write(tx, attempt, "note_use", used, "by what an agent has used")


def _write(
    tx: Transaction, attempt: Attempt, statement: str, values: Mapping[str, object], why: str
) -> Attempt:
    key = {"execution_id": attempt.execution_id, "phase": attempt.phase, "attempt": attempt.attempt}
    params = {**values, **key}
    row = tx.one(sql.load("attempts")[statement], params)
    if row is not None:
        return attempt_from_row(row)
    reason = executions.why_not_written(tx, attempt.execution_id, values["fence"], why)
    present = tx.one(sql.load("attempts")["get"], params)
    if present is None:
        raise reason
    raise IllegalTransitionError(
        f"attempt {attempt.attempt} at {attempt.phase} of {attempt.execution_id} is {present['status']}",
        hint="start a new attempt",
    )


def stop_work(tx: Transaction, execution_id: str, changes: Mapping[str, object]) -> Execution:
    """Move an execution to a status in which nobody works on it, and close an attempt that is still open.

    Arguments and errors are those of `executions.change_status`.
    """
    execution = executions.change_status_within(tx, execution_id, changes)
    interrupt_open(tx, execution_id, f"the execution was set to {execution.status} meanwhile")
    return execution


def interrupt_open(tx: Transaction, execution_id: str, reason: str) -> None:
    """Close the attempts that are still open as interrupted."""
    params = {"execution_id": execution_id, "error_message": reason, "now": tx.now}
    tx.execute(sql.load("attempts")["interrupt_open"], params)


def of_execution(tx: Transaction, execution_id: str) -> list[Attempt]:
    """The attempts of an execution in the order in which they began."""
    return [
        attempt_from_row(row) for row in tx.all(sql.load("attempts")["list"], {"execution_id": execution_id})
    ]


def _still_open(attempt: Attempt) -> IllegalTransitionError:
    return IllegalTransitionError(
        f"attempt {attempt.attempt} at {attempt.phase} of {attempt.execution_id} is still open",
        hint="finish it first; `adw resume` closes what a dead process left open",
    )
