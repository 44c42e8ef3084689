"""Attempts: one row per try at a phase."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import ExecutionNotFoundError, IllegalTransitionError, InvalidInputError
from adw_state.state import Attempt, BeadsStateManager

_PROMPT, _WORKFLOW = "ab" * 32, "0f" * 32
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_attempt_puts_its_execution_to_work_in_its_phase(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    clock.advance(seconds=2)
    attempt = state.start_attempt(
        run.id, "build", agent="claude", model="opus", prompt_sha256=_PROMPT, workflow_sha256=_WORKFLOW
    )
    assert attempt == Attempt(
        execution_id=run.id,
        phase="build",
        place=2,
        attempt=1,
        status="in_progress",
        started_at=_NOON + timedelta(seconds=2),
        agent="claude",
        model="opus",
        prompt_sha256=_PROMPT,
        workflow_sha256=_WORKFLOW,
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
        error_class="check_failed",
        error_message="tests do not pass",
        exit_code=-9,
        model="large",
        session_id="s-1",
        input_tokens=10,
        cache_read_tokens=700,
        cache_write_tokens=80,
        output_tokens=2,
        reasoning_tokens=1,
        cost_usd=0.25,
        cost_kind="estimated",
    )
    assert ended == replace(
        attempt,
        status="failed",
        finished_at=_NOON + timedelta(seconds=90.5),
        duration_seconds=90.5,
        error_class="check_failed",
        error_message="tests do not pass",
        exit_code=-9,
        model="large",
        session_id="s-1",
        input_tokens=10,
        cache_read_tokens=700,
        cache_write_tokens=80,
        output_tokens=2,
        reasoning_tokens=1,
        cost_usd=0.25,
        cost_kind="estimated",
    )
    assert state.list_attempts(run.id) == [ended]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, (None, None)),
        ({"cost_usd": 0.0}, (0.0, "reported")),
        ({"cost_usd": 0.5, "cost_kind": "reported"}, (0.5, "reported")),
        ({"cost_usd": 0.5, "cost_kind": "estimated"}, (0.5, "estimated")),
        ({"cost_kind": "unknown"}, (None, "unknown")),
    ],
)
def test_a_cost_says_what_kind_it_is_of(
    state: BeadsStateManager, given: dict[str, Any], stored: tuple[float | None, str | None]
) -> None:
    run = state.create_execution("proj-7")
    ended = state.finish_attempt(state.start_attempt(run.id, "plan"), "completed", **given)
    assert (ended.cost_usd, ended.cost_kind) == stored
    assert state.list_attempts(run.id) == [ended]


@pytest.mark.parametrize(
    "change",
    ["cost_usd = 1.0", "cost_usd = 1.0, cost_kind = 'unknown'", "cost_kind = 'guessed'", "place = 0"],
)
def test_the_schema_itself_refuses_a_cost_without_a_kind_and_a_place_that_is_none(
    state: BeadsStateManager, sidecar_db: Path, change: str
) -> None:
    state.start_attempt(state.create_execution("proj-7").id, "plan")
    with (
        closing(sqlite3.connect(sidecar_db)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK"),
    ):
        connection.execute(f"UPDATE adw_phase_attempts SET {change}")


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
        ({"cost_usd": 1.0, "cost_kind": "unknown"}, "a cost in dollars is not unknown"),
        ({"cost_kind": "guessed"}, "'guessed' is not a kind of cost"),
        ({"error_class": "Check failed"}, "'Check failed' cannot be an error_class"),
        ({"reasoning_tokens": -1}, "reasoning_tokens must be a whole number from 0 on"),
        ({"cache_read_tokens": 0.5}, "cache_read_tokens must be a whole number from 0 on"),
        ({"cache_write_tokens": True}, "cache_write_tokens must be a whole number from 0 on"),
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


def test_attempts_of_any_phases_have_their_place_in_the_workflow(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", workflow="ours", phases=["ship-it", "x", "a_b"])
    begun = [state.start_attempt(run.id, phase) for phase in ("ship-it",)]
    for phase in ("a_b", "x"):
        state.finish_attempt(begun[-1], "completed")
        begun.append(state.start_attempt(run.id, phase))
    assert [(a.phase, a.place) for a in begun] == [("ship-it", 1), ("a_b", 3), ("x", 2)]
    assert [a.phase for a in state.list_attempts(run.id)] == ["ship-it", "x", "a_b"]  # of one moment


def _uses_of_a_phase(state: BeadsStateManager, run_id: str, phase: Any) -> list[Callable[[], object]]:
    return [
        lambda: state.start_attempt(run_id, phase),
        lambda: state.save_checkpoint(run_id, phase, "x", 1),
        lambda: state.update_execution_status(run_id, "in_progress", phase=phase),
    ]


@pytest.mark.parametrize("phase", ["review", "tes", "test2", "a-b", "axb", "plan_"])
def test_a_phase_outside_the_list_of_the_execution_is_refused_and_the_list_named(
    state: BeadsStateManager, phase: str
) -> None:
    run = state.create_execution("proj-7", phases=["plan", "test", "a_b"])
    for use in _uses_of_a_phase(state, run.id, phase):
        with pytest.raises(InvalidInputError) as caught:
            use()
        assert str(caught.value) == f"{phase!r} is not a phase of execution {run.id}"
        assert caught.value.hint == "use one of: plan, test, a_b"
    assert state.get_execution(run.id) == run
    assert (state.list_attempts(run.id), state.list_checkpoints(run.id)) == ([], [])


@pytest.mark.parametrize("phase", ["", "Plan", "two words", "1st", "x" * 51, 'a"b', "%", "pl\nan", "a\n"])
def test_what_cannot_name_a_phase_is_refused(state: BeadsStateManager, phase: str) -> None:
    run = state.create_execution("proj-7")
    uses = _uses_of_a_phase(state, run.id, phase)
    uses.append(lambda: state.load_checkpoint(run.id, phase))
    for use in uses:
        with pytest.raises(InvalidInputError) as caught:
            use()
        assert str(caught.value) == f"{phase!r} cannot be the name of a phase"


@pytest.mark.parametrize("name", ["prompt_sha256", "workflow_sha256"])
@pytest.mark.parametrize("wrong", ["", "ab", "AB" * 32, "zz" * 32, 7])
def test_a_sha256_has_64_hexadecimal_digits(state: BeadsStateManager, name: str, wrong: Any) -> None:
    run = state.create_execution("proj-7")
    with pytest.raises(InvalidInputError, match=f"{name} must be 64 lower-case hexadecimal digits"):
        state.start_attempt(run.id, "plan", **{name: wrong})
    assert state.list_attempts(run.id) == []
