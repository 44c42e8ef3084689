"""An execution that waits: a stored state without a process, which anybody may go on with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import IllegalTransitionError, InvalidInputError, IssueClaimedError, OwnershipLostError
from adw_state.state import BeadsStateManager, Execution
from adw_state.store.owner import this_owner

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_TOMORROW = _NOON + timedelta(days=1)
OTHER = "another-host:1:boot.ns.1:aa"


def _waiting(state: BeadsStateManager) -> Execution:
    """A run of this living process that waits until tomorrow."""
    run = state.create_execution("proj-7", adw_id="a", owner=this_owner(), claim=True)
    return state.update_execution_status(
        run.id, "waiting", fence=1, waiting_for="limit", waiting_until=_TOMORROW, release_by="adw resume a"
    )


def test_a_waiting_run_says_for_what_until_when_and_how_it_is_released(state: BeadsStateManager) -> None:
    run = _waiting(state)
    assert (run.status, run.waiting_for, run.waiting_until) == ("waiting", "limit", _TOMORROW)
    assert run.release_by == "adw resume a"
    assert state.get_execution(run.id) == run


def test_a_waiting_run_holds_its_issue_but_has_no_owner(state: BeadsStateManager) -> None:
    run = _waiting(state)
    assert (run.claimed, run.owner, run.completed_at) == (True, None, None)
    with pytest.raises(IssueClaimedError) as caught:
        state.create_execution("proj-7", claim=True)
    assert str(caught.value) == (
        "issue proj-7 is held by execution a, which is waiting:"
        " for a limit to pass until 2026-11-24 12:00:00 UTC"
    )
    assert caught.value.hint == "resume it with `adw resume a`, or start a second run with --force"


@pytest.mark.parametrize(
    ("what", "words"),
    [("person", "for a person"), ("limit", "for a limit to pass"), ("event", "for an event")],
)
def test_what_a_run_waits_for_is_said_in_words(state: BeadsStateManager, what: str, words: str) -> None:
    run = state.create_execution("proj-7")
    state.update_execution_status(run.id, "waiting", waiting_for=what)
    assert state.summarize().life[run.id].why == words


def test_a_waiting_run_is_taken_over_at_once_and_waits_no_longer(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    _waiting(state)
    clock.advance(seconds=1)
    taken = state.take_over("a", OTHER)
    assert (taken.status, taken.owner, taken.fence, taken.claimed) == ("in_progress", OTHER, 2, True)
    assert (taken.waiting_for, taken.waiting_until, taken.release_by) == (None, None, None)
    assert state.get_execution("a") == taken


def test_the_process_that_let_a_run_wait_cannot_write_to_it_after_a_take_over(
    state: BeadsStateManager,
) -> None:
    _waiting(state)
    state.take_over("a", OTHER)
    with pytest.raises(OwnershipLostError):
        state.update_execution_status("a", "in_progress", fence=1)


@pytest.mark.parametrize("status", ["in_progress", "completed", "failed", "cancelled"])
def test_what_becomes_something_else_waits_no_longer(state: BeadsStateManager, status: str) -> None:
    run = _waiting(state)
    changed = state.update_execution_status(run.id, status, fence=1)
    assert (changed.status, changed.waiting_for, changed.waiting_until, changed.release_by) == (
        status,
        None,
        None,
        None,
    )
    assert changed.claimed == (status == "in_progress")


def test_a_run_that_waits_for_something_else_forgets_what_it_waited_for(state: BeadsStateManager) -> None:
    run = _waiting(state)
    changed = state.update_execution_status(run.id, "waiting", waiting_for="person")
    assert (changed.waiting_for, changed.waiting_until, changed.release_by) == ("person", None, None)


def test_waiting_closes_the_attempt_that_was_open(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    state.start_attempt(run.id, "plan")
    state.update_execution_status(run.id, "waiting", waiting_for="event")
    (closed,) = state.list_attempts(run.id)
    assert (closed.status, closed.error_message) == (
        "interrupted",
        "the execution was set to waiting meanwhile",
    )


def test_a_waiting_run_gets_no_attempt_and_no_sign_of_life(state: BeadsStateManager) -> None:
    run = _waiting(state)
    with pytest.raises(IllegalTransitionError) as caught:
        state.start_attempt(run.id, "plan")
    assert str(caught.value) == "execution a is waiting and cannot be changed by an attempt at 'plan'"
    assert caught.value.hint == (
        "`adw resume` goes on with one that waits, failed or was cancelled; a completed one stays so"
    )
    with pytest.raises(IllegalTransitionError, match="is waiting and cannot be changed by a sign of life"):
        state.beat(run.id, 1)
    assert state.get_execution(run.id) == run


def test_a_waiting_run_counts_as_unfinished_and_is_neither_alive_nor_dead(state: BeadsStateManager) -> None:
    run = _waiting(state)
    summary = state.summarize()
    assert (summary.counts, summary.unfinished) == ({"waiting": 1}, [run])
    life = summary.life[run.id]
    assert (life.state, life.is_over) == ("waiting", True)
    assert life.why == "for a limit to pass until 2026-11-24 12:00:00 UTC"
    assert state.list_executions(status="waiting") == [run]


def test_a_run_that_waits_until_a_moment_is_stale_a_day_after_it(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    _waiting(state)
    clock.advance(days=2)
    assert state.summarize(stale_hours=24).stale == []
    clock.advance(seconds=1)
    assert [found.execution_id for found in state.summarize(stale_hours=24).stale] == ["a"]


@pytest.mark.parametrize(
    ("status", "given", "message"),
    [
        ("waiting", {}, "None is not what an execution can wait for"),
        ("waiting", {"waiting_for": "rain"}, "'rain' is not what an execution can wait for"),
        ("waiting", {"waiting_for": "event", "release_by": 7}, "release_by must be a text"),
        (
            "waiting",
            {"waiting_for": "event", "waiting_until": datetime(2026, 1, 1)},  # noqa: DTZ001
            "has no time zone",
        ),
        ("in_progress", {"waiting_for": "event"}, "an execution that is in_progress waits for nothing"),
        ("failed", {"waiting_until": _NOON}, "an execution that is failed waits for nothing"),
        ("completed", {"release_by": "adw resume a"}, "an execution that is completed waits for nothing"),
    ],
)
def test_waiting_without_a_reason_and_a_reason_without_waiting_are_refused(
    state: BeadsStateManager, status: str, given: dict[str, Any], message: str
) -> None:
    run = state.create_execution("proj-7")
    with pytest.raises(InvalidInputError, match=message):
        state.update_execution_status(run.id, status, **given)
    assert state.get_execution(run.id) == run
