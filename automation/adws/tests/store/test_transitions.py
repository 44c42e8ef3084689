"""From which status an execution may come to which, and what goes with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import IllegalTransitionError, InvalidInputError
from adw_state.state import BeadsStateManager, Execution

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STATUSES = ("pending", "in_progress", "waiting", "completed", "failed", "cancelled")
ENDED = ("completed", "failed", "cancelled")
LEGAL = {
    *product(["pending"], STATUSES),
    *product(["in_progress", "waiting"], ["in_progress", "waiting", *ENDED]),
    *((status, status) for status in ENDED),
}


def _run_that_is(state: BeadsStateManager, status: str, *, claim: bool = False) -> Execution:
    run = state.create_execution("proj-7", claim=claim)
    return run if status == "pending" else state.update_execution_status(run.id, status, **_why(status))


def _why(status: str) -> dict[str, Any]:
    """What a change to this status needs."""
    return {"waiting_for": "limit"} if status == "waiting" else {}


@pytest.mark.parametrize(("old", "new"), sorted(LEGAL))
def test_a_legal_change_happens(state: BeadsStateManager, clock: SettableClock, old: str, new: str) -> None:
    run = _run_that_is(state, old, claim=True)
    clock.advance(seconds=5)
    changed = state.update_execution_status(run.id, new, **_why(new))
    assert changed.status == new
    assert changed.updated_at == _NOON + timedelta(seconds=5)
    # What has ended keeps the moment at which it did.
    ended_at = None if new not in ENDED else _NOON if old == new else _NOON + timedelta(seconds=5)
    assert changed.completed_at == ended_at
    assert changed.claimed == (new not in ENDED)
    assert state.get_execution(run.id) == changed


@pytest.mark.parametrize(("old", "new"), sorted({*product(STATUSES, STATUSES)} - LEGAL))
def test_any_other_change_is_an_error_and_changes_nothing(
    state: BeadsStateManager, clock: SettableClock, old: str, new: str
) -> None:
    run = _run_that_is(state, old)
    before = state.get_execution(run.id)
    clock.advance(seconds=5)
    with pytest.raises(IllegalTransitionError) as caught:
        state.update_execution_status(
            run.id, new, error_message="x", phase="review", extra_data=1, **_why(new)
        )
    assert str(caught.value) == f"execution {run.id} is {old} and cannot be changed to {new!r}"
    assert state.get_execution(run.id) == before


@pytest.mark.parametrize("old", ENDED)
def test_an_execution_that_has_ended_gets_no_attempt_and_no_sign_of_life(
    state: BeadsStateManager, old: str
) -> None:
    run = state.create_execution("proj-7", owner="h:1:x:y")
    state.update_execution_status(run.id, old)
    with pytest.raises(
        IllegalTransitionError, match=f"is {old} and cannot be changed by an attempt at 'plan'"
    ):
        state.start_attempt(run.id, "plan")
    with pytest.raises(IllegalTransitionError, match=f"is {old} and cannot be changed by a sign of life"):
        state.beat(run.id, 1)
    assert state.list_attempts(run.id) == []


def test_an_execution_that_ends_closes_the_attempt_that_was_open(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan")
    clock.advance(seconds=9)
    state.update_execution_status(run.id, "cancelled")
    (closed,) = state.list_attempts(run.id)
    assert (closed.status, closed.error_message) == (
        "interrupted",
        "the execution was set to cancelled meanwhile",
    )
    assert (closed.finished_at, closed.duration_seconds) == (_NOON + timedelta(seconds=9), None)
    with pytest.raises(IllegalTransitionError, match=f"attempt 1 at plan of {run.id} is interrupted"):
        state.finish_attempt(attempt, "completed")


def test_a_status_that_is_none_is_refused(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    with pytest.raises(InvalidInputError, match="'done' is not a status of an execution"):
        state.update_execution_status(run.id, "done")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("status = 'completed'", "CHECK"),
        ("completed_at = '2026-11-23T12:00:00.000000Z'", "CHECK"),
        ("status = 'done'", "CHECK"),
        ("phase = ''", "CHECK"),
        (f"phase = '{'x' * 51}'", "CHECK"),
        ("phases = NULL", "NOT NULL"),
        ("status = 'waiting'", "CHECK"),
        ("waiting_for = 'person'", "CHECK"),
        ("status = 'waiting', waiting_for = 'rain'", "CHECK"),
        ("status = 'waiting', waiting_for = 'limit', waiting_until = 'noon'", "CHECK"),
        ("waiting_until = '2026-11-23T12:00:00.000000Z'", "CHECK"),
        ("release_by = 'anybody'", "CHECK"),
        ("claimed = 2", "CHECK"),
        ("claimed = 1, status = 'failed', completed_at = '2026-11-23T12:00:00.000000Z'", "CHECK"),
        ("fence = -1", "CHECK"),
        ("issue_id = ''", "CHECK"),
        ("pr_created = NULL", "NOT NULL"),
    ],
)
def test_the_schema_itself_refuses_what_cannot_be(
    state: BeadsStateManager, sidecar_db: Path, change: str, rule: str
) -> None:
    run = state.create_execution("proj-7")
    with closing(sqlite3.connect(sidecar_db)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match=rule):
            connection.execute(f"UPDATE adw_executions SET {change}")
        connection.rollback()
    assert state.get_execution(run.id) == run
