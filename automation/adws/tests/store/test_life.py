"""Whether somebody works on an execution is told from its process, else from its last sign of life."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import IssueClaimedError
from adw_state.state import BeadsStateManager
from adw_state.store.owner import Life, this_owner
from adws.tests.processes import run_apart

ELSEWHERE = "another-host:1:boot.ns.1:aa"


def life(state: BeadsStateManager, lease_seconds: float = 60) -> Life | None:
    (run,) = state.list_executions()
    return state.summarize(lease_seconds=lease_seconds).life.get(run.id)


def test_an_execution_whose_process_is_gone_is_dead_in_an_attempt_and_stopped_between_two(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7", owner=run_apart(this_owner))
    assert life(state) == Life("stopped", clock.now())
    attempt = state.start_attempt(run.id, "plan")
    assert life(state) == Life("dead", clock.now())
    state.finish_attempt(attempt, "interrupted")
    assert life(state) == Life("stopped", clock.now())
    state.update_execution_status(run.id, "failed")
    assert state.summarize().life == {}


def test_a_living_process_is_alive_however_long_it_is_silent(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    began = clock.now()
    state.create_execution("proj-7", owner=this_owner())
    clock.advance(days=2)
    assert life(state) == Life("alive", began)


def test_an_owner_elsewhere_is_silent_once_its_lease_is_over(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    began = clock.now()
    state.create_execution("proj-7", owner=ELSEWHERE)
    clock.advance(seconds=60)
    assert life(state) == Life("alive", began)
    clock.advance(seconds=1)
    assert life(state) == Life("silent", began)
    assert life(state, lease_seconds=61) == Life("alive", began)


def test_an_execution_without_an_owner_is_neither_alive_nor_dead(state: BeadsStateManager) -> None:
    state.create_execution("proj-7")
    assert life(state) is None


def refusal(state: BeadsStateManager) -> tuple[str, str | None]:
    with pytest.raises(IssueClaimedError) as caught:
        state.create_execution("proj-7", claim=True)
    assert caught.value.exit_code == 5
    return str(caught.value), caught.value.hint


def test_the_refusal_says_whether_the_holder_lives_and_what_goes_on_with_it(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    dead = state.create_execution("proj-7", owner=run_apart(this_owner), claim=True)
    attempt = state.start_attempt(dead.id, "plan")
    what_to_do = f"resume it with `adw resume {dead.id}`, or start a second run with --force"

    assert refusal(state) == (
        f"issue proj-7 is held by execution {dead.id}, which is dead: its process is gone",
        what_to_do,
    )
    state.finish_attempt(attempt, "interrupted")
    assert refusal(state) == (
        f"issue proj-7 is held by execution {dead.id}, which is stopped: its process has ended",
        what_to_do,
    )
    state.take_over(dead.id, ELSEWHERE)
    assert refusal(state) == (
        f"issue proj-7 is being worked on by execution {dead.id}",
        f"look at it by `adw show {dead.id}`, or start a second run with --force",
    )
    clock.advance(seconds=60.000001)
    since = clock.now() - timedelta(seconds=60.000001)
    assert refusal(state) == (
        f"issue proj-7 is held by execution {dead.id}, which is silent:"
        f" no sign of life since {since:%Y-%m-%d %H:%M:%S} UTC",
        what_to_do,
    )
