"""Who may write to an execution: claims, fences, heartbeats and take-overs, on a clock that is set."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import (
    ExecutionHeldError,
    IllegalTransitionError,
    InvalidInputError,
    IssueClaimedError,
    OwnershipLostError,
)
from adw_state.state import BeadsStateManager
from adw_state.store.owner import owner_in_words, owner_is_dead, process_mark, this_owner
from adws.tests.processes import run_apart

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ELSEWHERE = "another-host:1:boot.ns.1:aa"
OTHER = "a-third-host:1:boot.ns.1:bb"


def test_an_issue_has_one_run_that_holds_it(state: BeadsStateManager) -> None:
    holder = state.create_execution("proj-7", claim=True)
    with pytest.raises(IssueClaimedError) as caught:
        state.create_execution("proj-7", claim=True, first_checkpoint=("started", 1))
    assert str(caught.value) == f"issue proj-7 is being worked on by execution {holder.id}"
    assert caught.value.exit_code == 5
    assert state.list_executions() == [holder]
    assert state.create_execution("proj-8", claim=True).claimed
    assert not state.create_execution("proj-7").claimed


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_ending_frees_the_issue(state: BeadsStateManager, end: str) -> None:
    first = state.create_execution("proj-7", claim=True)
    state.update_execution_status(first.id, end)
    assert state.create_execution("proj-7", claim=True).claimed


def test_a_dead_owner_is_replaced_at_once(state: BeadsStateManager, clock: SettableClock) -> None:
    dead = run_apart(this_owner)
    run = state.create_execution("proj-7", owner=dead, claim=True)
    clock.advance(seconds=1)
    taken = state.take_over(run.id, OTHER, lease_seconds=60)
    assert (taken.owner, taken.fence, taken.status) == (OTHER, 2, "in_progress")
    assert (taken.claimed, taken.heartbeat_at) == (True, _NOON + timedelta(seconds=1))
    assert state.get_execution(run.id) == taken


def test_a_living_owner_is_not_replaced_before_its_lease_is_over(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7", owner=this_owner())
    clock.advance(seconds=60)
    with pytest.raises(ExecutionHeldError) as caught:
        state.take_over(run.id, OTHER, lease_seconds=60)
    assert str(caught.value) == f"execution {run.id} is being worked on by {owner_in_words(run.owner)}"
    assert state.get_execution(run.id) == run
    clock.advance(seconds=0.000001)
    assert state.take_over(run.id, OTHER, lease_seconds=60).fence == 2


def test_a_heartbeat_prolongs_the_lease(state: BeadsStateManager, clock: SettableClock) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    clock.advance(seconds=50)
    state.beat(run.id, 1)
    clock.advance(seconds=60)
    with pytest.raises(ExecutionHeldError):
        state.take_over(run.id, OTHER, lease_seconds=60)
    beaten = state.get_execution(run.id)
    assert beaten is not None
    assert (beaten.heartbeat_at, beaten.updated_at) == (_NOON + timedelta(seconds=50), _NOON)
    clock.advance(seconds=1)
    assert state.take_over(run.id, OTHER, lease_seconds=60).owner == OTHER


def test_force_takes_a_run_from_the_living_without_holding_its_issue_anew(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    forced = state.take_over(run.id, OTHER, force=True)
    assert (forced.owner, forced.fence, forced.claimed) == (OTHER, 2, False)
    state.update_execution_status(run.id, "failed")
    assert not state.take_over(run.id, OTHER, force=True).claimed


def test_a_run_without_owner_is_free_to_take(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    assert state.take_over(run.id, OTHER).fence == 1


def test_an_owner_may_take_its_own_run_again_and_the_fence_rises(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", owner=OTHER)
    assert state.take_over(run.id, OTHER).fence == 2


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_comes_back_and_holds_its_issue(
    state: BeadsStateManager, end: str
) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE, claim=True)
    state.update_execution_status(run.id, end, error_message="no luck", phase="build")
    back = state.take_over(run.id, OTHER)
    assert (back.status, back.phase, back.completed_at, back.error_message) == (
        "in_progress",
        "build",
        None,
        None,
    )
    assert (back.claimed, back.fence) == (True, 2)


def test_what_failed_does_not_come_back_while_another_run_holds_the_issue(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", claim=True)
    state.update_execution_status(run.id, "failed")
    holder = state.create_execution("proj-7", claim=True)
    with pytest.raises(IssueClaimedError, match=f"execution {holder.id}"):
        state.take_over(run.id, OTHER)
    assert state.take_over(run.id, OTHER, force=True).status == "in_progress"


def test_what_is_completed_stays_so(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    done = state.update_execution_status(run.id, "completed")
    for force in (False, True):
        with pytest.raises(IllegalTransitionError, match="is completed; there is nothing left to do"):
            state.take_over(run.id, OTHER, force=force)
    assert state.get_execution(run.id) == done


def test_a_take_over_closes_open_attempts_as_interrupted_without_a_duration(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    first = state.start_attempt(run.id, "plan", fence=1)
    done = state.finish_attempt(first, "completed", fence=1)
    state.start_attempt(run.id, "build", fence=1)
    clock.advance(hours=1)
    state.take_over(run.id, OTHER)
    untouched, closed = state.list_attempts(run.id)
    assert untouched == done
    assert (closed.phase, closed.status, closed.duration_seconds) == ("build", "interrupted", None)
    assert closed.finished_at == _NOON + timedelta(hours=1)
    assert closed.error_message == "the process that ran this attempt ended before the attempt did"


def test_a_refused_take_over_leaves_the_open_attempt_alone(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    attempt = state.start_attempt(run.id, "plan", fence=1)
    with pytest.raises(ExecutionHeldError):
        state.take_over(run.id, OTHER)
    assert state.list_attempts(run.id) == [attempt]


def test_a_replaced_owner_can_write_nothing_more_and_hears_why(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    attempt = state.start_attempt(run.id, "plan", fence=1)
    state.take_over(run.id, OTHER, force=True)
    before = (state.get_execution(run.id), state.list_attempts(run.id), state.list_checkpoints(run.id))
    late: list[Callable[[], object]] = [
        lambda: state.update_execution_status(run.id, "completed", fence=1),
        lambda: state.save_checkpoint(run.id, "plan", "late", 1, fence=1),
        lambda: state.start_attempt(run.id, "plan", fence=1),
        lambda: state.finish_attempt(attempt, "completed", fence=1),
        lambda: state.beat(run.id, 1),
    ]
    for write in late:
        with pytest.raises(OwnershipLostError) as caught:
            write()
        assert str(caught.value) == (
            f"execution {run.id} was taken over by process 1 on a-third-host;"
            " this process may not write to it"
        )
    assert (
        state.get_execution(run.id),
        state.list_attempts(run.id),
        state.list_checkpoints(run.id),
    ) == before


def test_the_new_owner_and_callers_without_a_fence_may_write(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    state.take_over(run.id, OTHER, force=True)
    state.beat(run.id, 2)
    attempt = state.start_attempt(run.id, "plan", fence=2)
    state.save_checkpoint(run.id, "plan", "x", 1, fence=2)
    state.finish_attempt(attempt, "completed", fence=2)
    state.save_checkpoint(run.id, "plan", "y", 2)
    assert state.update_execution_status(run.id, "completed", fence=2).status == "completed"


@pytest.mark.parametrize("lease", [-1, float("nan"), float("inf"), "60", None, True])
def test_a_lease_that_is_no_time_is_refused(state: BeadsStateManager, lease: object) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    with pytest.raises(InvalidInputError, match="lease_seconds"):
        state.take_over(run.id, OTHER, lease_seconds=lease)  # type: ignore[arg-type]


def test_a_lease_longer_than_the_calendar_never_ends(state: BeadsStateManager, clock: SettableClock) -> None:
    run = state.create_execution("proj-7", owner=ELSEWHERE)
    clock.advance(days=365 * 1000)
    with pytest.raises(ExecutionHeldError):
        state.take_over(run.id, OTHER, lease_seconds=1e14)


def test_an_owner_is_a_living_process_of_this_host_or_nobody_knows() -> None:
    assert owner_is_dead(this_owner()) is False
    assert owner_is_dead(run_apart(this_owner)) is True
    for unknown in (ELSEWHERE, "", "a:b", "no owner at all", this_owner().replace(str(os.getpid()), "x")):
        assert owner_is_dead(unknown) is None


def test_a_process_number_that_another_process_bears_now_is_no_sign_of_life() -> None:
    host, pid, mark, random = this_owner().split(":")
    earlier = f"{mark.rpartition('.')[0]}.1"
    assert owner_is_dead(f"{host}:{pid}:{earlier}:{random}") is True


def test_a_zombie_is_dead() -> None:
    zombie = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert zombie.stdout is not None
    mark = process_mark(zombie.pid)
    zombie.stdout.read()  # its end: the process is over but not reaped
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    host = this_owner().partition(":")[0]
    assert owner_is_dead(f"{host}:{zombie.pid}:{mark}:aa") is True
    zombie.wait()
    zombie.stdout.close()


@pytest.mark.parametrize("pid", ["0", "-1", "\u00b2", "\u0663", "9" * 20, "", "1e3", "none"])
def test_an_owner_without_the_number_of_a_process_is_nobody_that_this_host_knows(pid: str) -> None:
    host, _, mark, random = this_owner().split(":")
    assert owner_is_dead(f"{host}:{pid}:{mark}:{random}") is None


def test_a_number_that_no_process_can_have_is_that_of_a_dead_one() -> None:
    host, _, mark, random = this_owner().split(":")
    assert owner_is_dead(f"{host}:9999999999:{mark}:{random}") is True


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("box:4711:5f3c.402.77:0badcafe", "process 4711 on box"),
        ("tester", "tester"),
        (None, "another run"),
    ],
)
def test_people_are_told_the_process_of_an_owner(owner: str | None, words: str) -> None:
    assert owner_in_words(owner) == words
