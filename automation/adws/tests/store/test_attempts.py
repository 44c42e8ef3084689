"""Attempts: one row per try at a phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import ExecutionNotFoundError, IllegalTransitionError, InvalidInputError
from adw_state.state import Attempt, BeadsStateManager

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_attempt_puts_its_execution_to_work_in_its_phase(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    clock.advance(seconds=2)
    attempt = state.start_attempt(run.id, "build", agent="claude", model="opus")
    assert attempt == Attempt(
        execution_id=run.id,
        phase="build",
        attempt=1,
        status="in_progress",
        started_at=_NOON + timedelta(seconds=2),
        finished_at=None,
        duration_seconds=None,
        error_message=None,
        exit_code=None,
        agent="claude",
        model="opus",
        session_id=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=None,
    )
    at_work = state.get_execution(run.id)
    assert at_work is not None
    assert (at_work.status, at_work.phase, at_work.updated_at) == ("in_progress", "build", attempt.started_at)


def test_an_attempt_ends_with_what_it_took(state: BeadsStateManager, clock: SettableClock) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan", agent="claude", model="small")
    clock.advance(seconds=90.5)
    ended = state.finish_attempt(
        attempt,
        "failed",
        error_message="tests do not pass",
        exit_code=-9,
        model="large",
        session_id="s-1",
        input_tokens=10,
        output_tokens=2,
        cost_usd=0.25,
    )
    assert ended == replace(
        attempt,
        status="failed",
        finished_at=_NOON + timedelta(seconds=90.5),
        duration_seconds=90.5,
        error_message="tests do not pass",
        exit_code=-9,
        model="large",
        session_id="s-1",
        input_tokens=10,
        output_tokens=2,
        cost_usd=0.25,
    )
    assert state.list_attempts(run.id) == [ended]


def test_a_model_that_is_not_named_at_the_end_stays_the_one_of_the_beginning(
    state: BeadsStateManager,
) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan", model="small")
    assert state.finish_attempt(attempt, "completed").model == "small"


def test_a_clock_that_goes_back_gives_no_negative_duration(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan")
    clock.advance(hours=-2)
    assert state.finish_attempt(attempt, "completed").duration_seconds == 0.0


def test_a_retry_is_a_new_row_and_phases_count_for_themselves(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    for phase, end in (
        ("plan", "completed"),
        ("build", "failed"),
        ("build", "completed"),
        ("review", "completed"),
    ):
        state.finish_attempt(state.start_attempt(run.id, phase), end)
        clock.advance(seconds=1)
    assert [(a.phase, a.attempt, a.status) for a in state.list_attempts(run.id)] == [
        ("plan", 1, "completed"),
        ("build", 1, "failed"),
        ("build", 2, "completed"),
        ("review", 1, "completed"),
    ]


def test_attempts_of_one_moment_come_in_the_order_of_the_phases(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    for phase in ("plan", "build", "review", "plan"):
        state.finish_attempt(state.start_attempt(run.id, phase), "completed")
    assert [(a.phase, a.attempt) for a in state.list_attempts(run.id)] == [
        ("plan", 1),
        ("plan", 2),
        ("build", 1),
        ("review", 1),
    ]


@pytest.mark.parametrize("phase", ["plan", "build"])
def test_an_execution_has_one_open_attempt_at_a_time(state: BeadsStateManager, phase: str) -> None:
    run = state.create_execution("proj-7")
    first = state.start_attempt(run.id, "plan")
    with pytest.raises(IllegalTransitionError) as caught:
        state.start_attempt(run.id, phase)
    assert str(caught.value) == f"attempt 1 at plan of {run.id} is still open"
    assert state.list_attempts(run.id) == [first]
    at_work = state.get_execution(run.id)
    assert at_work is not None
    assert at_work.phase == "plan"


@pytest.mark.parametrize("end", ["completed", "failed", "interrupted"])
def test_an_attempt_ends_once(state: BeadsStateManager, clock: SettableClock, end: str) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan")
    ended = state.finish_attempt(attempt, end)
    clock.advance(seconds=1)
    with pytest.raises(IllegalTransitionError) as caught:
        state.finish_attempt(attempt, "failed")
    assert str(caught.value) == f"attempt 1 at plan of {run.id} is {end}"
    assert state.list_attempts(run.id) == [ended]


def test_an_attempt_that_was_never_begun_cannot_end(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan")
    with pytest.raises(IllegalTransitionError, match="cannot be changed by the end of an attempt"):
        state.finish_attempt(replace(attempt, attempt=2), "completed")
    with pytest.raises(ExecutionNotFoundError, match="there is no execution 'nobody'"):
        state.finish_attempt(replace(attempt, execution_id="nobody"), "completed")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"status": "in_progress"}, "'in_progress' is not an end of an attempt"),
        ({"exit_code": 1.5}, "exit_code must be a whole number"),
        ({"exit_code": True}, "exit_code must be a whole number"),
        ({"input_tokens": -1}, "input_tokens must be a whole number from 0 on"),
        ({"output_tokens": 2**63}, "output_tokens must be a whole number from 0 on"),
        ({"cost_usd": float("nan")}, "cost_usd must be a number from 0 on"),
        ({"cost_usd": "1.20"}, "cost_usd must be a number from 0 on"),
        ({"model": 4}, "model must be a text"),
        ({"session_id": b"s"}, "session_id must be a text"),
        ({"fence": "1"}, "fence must be a whole number"),
    ],
)
def test_an_outcome_that_no_column_holds_is_refused(
    state: BeadsStateManager, wrong: dict[str, Any], message: str
) -> None:
    run = state.create_execution("proj-7")
    attempt = state.start_attempt(run.id, "plan")
    with pytest.raises(InvalidInputError) as caught:
        state.finish_attempt(attempt, **{"status": "completed", **wrong})
    assert str(caught.value).startswith(message)
    assert state.list_attempts(run.id) == [attempt]


def test_a_phase_that_is_none_is_refused(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    uses: list[Callable[[], object]] = [
        lambda: state.start_attempt(run.id, "test"),
        lambda: state.save_checkpoint(run.id, "test", "x", 1),
        lambda: state.load_checkpoint(run.id, "test"),
        lambda: state.update_execution_status(run.id, "in_progress", phase="test"),
    ]
    for use in uses:
        with pytest.raises(InvalidInputError, match="'test' is not a phase"):
            use()
