from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import (
    CheckpointDataError,
    ExecutionHeldError,
    InvalidInputError,
    IssueClaimedError,
    IssueNotFoundError,
    NotMigratedError,
    OwnershipLostError,
)
from adw_state.steps.opened import State, open_state
from adw_state.steps.run import Phase, Run

PHASES = ["plan", "build", "ship"]


@pytest.fixture
def opened(sidecar_db: Path, clock: SettableClock) -> Iterator[State]:
    """The state of a sidecar, on the standing clock."""
    with open_state(sidecar_db, clock=clock) as state:
        yield state


def ours(state: State, **more: Any) -> Run:
    return state.run("any-1", workflow="ours", phases=PHASES, **more)


class _SurpriseError(Exception):
    pass


def _refuse() -> None:
    raise _SurpriseError("token sk-ant-api03-0123456789abcdef0123456789abcdef is no good")


def _never() -> None:
    raise AssertionError("a step that was done is done again")


def write_then_fail(phase: Phase) -> None:
    phase.step("written", lambda: 1)
    phase.step("asked", _refuse)


def in_phase_plan(state: State, work: Callable[[Phase], None], **more: Any) -> str:
    """Do the work in the phase plan of a run that is left there; the run's id."""
    with ours(state, **more) as run, run.phase("plan") as phase:
        work(phase)
    return run.id


def test_a_run_completes_when_its_last_phase_does(opened: State) -> None:
    with ours(opened) as run:
        for name in PHASES[:2]:
            with run.phase(name):
                assert run.execution.status == "pending"
        assert run.execution.status == "pending"
        with run.phase("ship"):
            pass
        assert run.execution.status == "completed"
    kept = opened.manager.get_execution(run.id)
    assert kept == run.execution
    assert kept is not None
    assert not kept.claimed


def test_a_step_is_done_once_in_a_run(opened: State) -> None:
    with ours(opened) as run, run.phase("plan") as phase:
        assert phase.step("written", lambda: {"file": "plan.md"}) == {"file": "plan.md"}
        assert phase.step("written", _never) == {"file": "plan.md"}


def test_a_result_is_at_once_what_a_resumed_program_will_get(opened: State) -> None:
    with ours(opened) as run, run.phase("plan") as phase:
        pair: object = phase.step("pair", lambda: (1, 2))
        assert pair == [1, 2]


def test_a_step_of_another_phase_may_have_the_same_name(opened: State) -> None:
    with ours(opened) as run:
        with run.phase("plan") as phase:
            phase.step("done", lambda: 1)
        with run.phase("build") as phase:
            assert phase.step("done", lambda: 2) == 2


def test_an_exception_fails_the_attempt_and_the_run_and_goes_on(opened: State) -> None:
    with pytest.raises(_SurpriseError):
        in_phase_plan(opened, write_then_fail)

    (run,) = opened.manager.list_executions()
    (attempt,) = opened.manager.list_attempts(run.id)
    assert (attempt.status, attempt.error_class) == ("failed", "exception")
    kept = opened.manager.get_execution(run.id)
    assert kept is not None
    assert (kept.status, kept.error_message) == ("failed", attempt.error_message)
    assert attempt.error_message is not None
    assert "sk-ant-api03" not in attempt.error_message


def test_a_phase_that_failed_is_tried_again_without_its_saved_steps(opened: State) -> None:
    with ours(opened) as run:
        failing = run.phase("plan")
        with pytest.raises(_SurpriseError), failing as phase:
            write_then_fail(phase)
        with run.phase("plan") as phase:
            assert phase.step("written", _never) == 1
    assert [a.status for a in opened.manager.list_attempts(run.id)] == ["failed", "completed"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_is_no_failure_and_the_run_goes_on_later(
    opened: State, interruption: type[BaseException]
) -> None:
    def write_then_stop(phase: Phase) -> None:
        phase.step("written", lambda: 1)
        raise interruption

    with pytest.raises(interruption):
        in_phase_plan(opened, write_then_stop)

    (run,) = opened.manager.list_executions()
    with ours(opened) as again:
        assert again.id == run.id
        assert again.execution.status == "in_progress"
        with again.phase("plan") as phase:
            assert phase.step("written", _never) == 1
    assert [a.status for a in opened.manager.list_attempts(run.id)] == ["interrupted", "completed"]


def test_a_phase_that_completed_is_not_tried_again(opened: State) -> None:
    with ours(opened) as run, run.phase("plan") as phase:
        phase.step("written", lambda: 1)
    with ours(opened) as run, run.phase("plan") as phase:
        assert phase.has_completed
        assert phase.step("written", _never) == 1
    assert [a.status for a in opened.manager.list_attempts(run.id)] == ["completed"]


def test_a_step_added_to_a_completed_phase_is_done_and_saved(opened: State) -> None:
    with ours(opened) as run, run.phase("plan"):
        pass
    with ours(opened) as run, run.phase("plan") as phase:
        assert phase.step("added", lambda: 1) == 1
    assert [p.checkpoint_name for p in opened.manager.list_checkpoints(run.id)] == ["added"]


def test_a_run_that_ended_is_followed_by_a_new_one(opened: State) -> None:
    with pytest.raises(_SurpriseError), ours(opened) as first:
        _refuse()
    with ours(opened) as second:
        assert second.id != first.id


def test_a_failed_run_is_gone_on_with_by_its_id(opened: State) -> None:
    with pytest.raises(_SurpriseError):
        in_phase_plan(opened, write_then_fail)
    (first,) = opened.manager.list_executions()
    with ours(opened, adw_id=first.id) as second, second.phase("plan") as phase:
        assert phase.step("written", _never) == 1
    assert second.id == first.id


def test_a_run_is_begun_under_the_id_that_is_given(opened: State) -> None:
    with ours(opened, adw_id="ours-1") as run:
        assert run.id == "ours-1"


def test_a_run_of_another_issue_or_workflow_is_not_gone_on_with(opened: State) -> None:
    with ours(opened, adw_id="ours-1"):
        pass
    other = opened.run("any-2", workflow="ours", phases=PHASES, adw_id="ours-1")
    with pytest.raises(InvalidInputError, match="ours-1 is a run of workflow 'ours' on issue any-1"), other:
        pass
    with opened.run("any-2", workflow="ours", phases=PHASES) as run:
        assert run.id != "ours-1"


def test_a_run_that_this_process_works_on_is_refused(opened: State) -> None:
    with ours(opened) as run, pytest.raises(ExecutionHeldError), ours(opened):
        pass
    with ours(opened) as again:
        assert again.id == run.id


def test_an_issue_that_another_workflow_works_on_is_refused(opened: State) -> None:
    other = opened.run("any-1", workflow="theirs", phases=["do"])
    with ours(opened), pytest.raises(IssueClaimedError), other:
        pass


def test_a_run_that_was_taken_over_saves_nothing_more(opened: State) -> None:
    def lose_the_run_then_write(phase: Phase) -> None:
        opened.manager.take_over("ours-1", "another-host:1:boot.ns.1:aa", force=True)
        phase.step("written", lambda: 1)

    with pytest.raises(OwnershipLostError):
        in_phase_plan(opened, lose_the_run_then_write, adw_id="ours-1")
    (run,) = opened.manager.list_executions()
    kept = opened.manager.get_execution(run.id)
    assert kept is not None
    assert (kept.status, kept.fence) == ("in_progress", 2)
    assert opened.manager.list_checkpoints(run.id) == []


def test_a_phase_the_run_does_not_have_or_has_not_come_to_is_refused(opened: State) -> None:
    with ours(opened) as run:
        with pytest.raises(InvalidInputError, match="no phase 'test'; it was begun with plan, build, ship"):
            run.phase("test")
        with pytest.raises(InvalidInputError, match="cannot enter 'ship' yet, because 'plan' has not"):
            run.phase("ship")


def test_a_run_keeps_the_phases_that_it_began_with(opened: State) -> None:
    with ours(opened):
        pass
    with opened.run("any-1", workflow="ours", phases=["plan", "other"]) as run:
        assert run.phases == ("plan", "build", "ship")


@pytest.mark.parametrize("phases", [[], ["plan", "plan"], ["Plan"], ["a b"], ["p" * 51], [""]])
def test_a_list_that_is_no_list_of_phases_begins_nothing(opened: State, phases: list[str]) -> None:
    with pytest.raises(InvalidInputError), opened.run("any-1", workflow="ours", phases=phases):
        pass
    assert opened.manager.list_executions() == []


def test_a_result_that_is_no_json_is_refused_by_name(opened: State) -> None:
    with pytest.raises(CheckpointDataError, match="checkpoint 'made' holds a set"):
        in_phase_plan(opened, lambda phase: print(phase.step("made", lambda: {1, 2})))


def test_what_an_attempt_used_is_stored(opened: State) -> None:
    with ours(opened) as run, run.phase("plan", agent="mine", model="small") as phase:
        phase.used(input_tokens=10, cache_read_tokens=7, output_tokens=3, cost_usd=0.5, cost_kind="reported")
    (attempt,) = opened.manager.list_attempts(run.id)
    assert (attempt.agent, attempt.model, attempt.input_tokens, attempt.cache_read_tokens) == (
        "mine", "small", 10, 7,
    )  # fmt: skip
    assert (attempt.cost_usd, attempt.cost_kind) == (0.5, "reported")


def test_an_issue_that_the_tracker_does_not_have_is_refused(beads_db: Path) -> None:
    with open_state(beads_db) as state:
        with pytest.raises(IssueNotFoundError), state.run("demo-99", workflow="ours", phases=PHASES):
            pass
        with state.run("demo-1", workflow="ours", phases=PHASES) as run:
            assert run.execution.issue_title == "Login fails on Safari"


def test_a_project_that_was_not_prepared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotMigratedError, match="there is no state for"):
        open_state(folder=tmp_path)
