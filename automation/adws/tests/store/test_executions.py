"""Executions: begun, looked up, listed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import (
    AdwError,
    CheckpointDataError,
    DuplicateExecutionError,
    ExecutionNotFoundError,
    InvalidInputError,
    IssueNotFoundError,
)
from adw_state.state import BeadsStateManager, Execution, IssueSnapshot, PageStart

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _count(database: Path, table: str = "adw_executions") -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_an_execution_begins_with_what_was_given_and_nothing_else(state: BeadsStateManager) -> None:
    run = state.create_execution(
        "proj-7",
        adw_id="a1b2c3d4",
        workflow="adw_quick",
        environment="ci",
        phases=["build", "smoke-test"],
        phase="smoke-test",
        status="in_progress",
        base_commit="c0ffee",
        worktree_name="tree",
        worktree_path="/projects/tree",
        branch_name="adw/tree",
        extra_data={"a": [1, None]},
        issue=IssueSnapshot("Title", "bug", 0),
        owner="host:1:x:y",
        claim=True,
    )
    assert run == Execution(
        id="a1b2c3d4",
        issue_id="proj-7",
        workflow="adw_quick",
        environment="ci",
        phases=("build", "smoke-test"),
        phase="smoke-test",
        status="in_progress",
        started_at=_NOON,
        updated_at=_NOON,
        heartbeat_at=_NOON,
        owner="host:1:x:y",
        fence=1,
        claimed=True,
        issue_title="Title",
        issue_type="bug",
        issue_priority=0,
        base_commit="c0ffee",
        worktree_name="tree",
        worktree_path="/projects/tree",
        branch_name="adw/tree",
        extra_data={"a": [1, None]},
    )
    assert state.get_execution("a1b2c3d4") == run


def test_without_further_words_a_run_is_pending_in_plan_with_a_fresh_id(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    assert re.fullmatch(r"adw-[0-9a-z]{22}", run.id)
    assert (run.status, run.phase, run.workflow, run.environment) == ("pending", "plan", "adw_sdlc", "local")
    assert run.phases == ("plan", "build", "review")
    assert (run.owner, run.heartbeat_at, run.fence, run.claimed) == (None, None, 0, False)
    assert (run.issue_title, run.issue_type, run.issue_priority) == (None, None, None)
    assert run.extra_data is None


def test_beside_issues_title_type_and_priority_come_from_the_tracker(beads_state: BeadsStateManager) -> None:
    run = beads_state.create_execution("demo-1")
    assert (run.issue_title, run.issue_type, run.issue_priority) == ("Login fails on Safari", "bug", 0)
    other = beads_state.create_execution("demo-1", issue=IssueSnapshot(title="Given"))
    assert (other.issue_title, other.issue_type, other.issue_priority) == ("Given", "bug", 0)


@pytest.mark.parametrize("value", [{}, [], "", 0, False, {"a": None}])
def test_extra_data_may_be_any_json_value_the_empty_ones_too(state: BeadsStateManager, value: Any) -> None:
    run = state.create_execution("proj-7", extra_data=value)
    assert run.extra_data == value
    assert type(run.extra_data) is type(value)


def test_an_unknown_issue_is_refused_and_nothing_is_written(
    beads_state: BeadsStateManager, beads_db: Path
) -> None:
    with pytest.raises(IssueNotFoundError) as caught:
        beads_state.create_execution("demo-99", first_checkpoint=("started", 1))
    assert str(caught.value) == "there is no issue 'demo-99' in this tracker"
    assert caught.value.exit_code == 3
    assert _count(beads_db) == _count(beads_db, "adw_checkpoints") == 0


def test_an_issue_that_bd_deleted_into_a_tombstone_gets_no_execution(
    beads_state: BeadsStateManager, beads_db: Path
) -> None:
    with closing(sqlite3.connect(beads_db)) as tracker, tracker:
        tracker.execute("UPDATE issues SET status = 'tombstone' WHERE id = 'demo-2'")
    with pytest.raises(IssueNotFoundError):
        beads_state.create_execution("demo-2")
    assert _count(beads_db) == 0


def test_an_id_that_is_taken_is_refused_and_the_first_run_stays(state: BeadsStateManager) -> None:
    first = state.create_execution("proj-7", adw_id="x")
    with pytest.raises(DuplicateExecutionError) as caught:
        state.create_execution("proj-8", adw_id="x", first_checkpoint=("started", 1))
    assert str(caught.value) == "an execution with the id 'x' exists already"
    assert state.list_executions() == [first]
    assert state.list_checkpoints("x") == []


@pytest.mark.parametrize("adw_id", ["-rf", "a b", "it's", 'say "x"', "../../x", "a%b_c", "größe", "x" * 200])
def test_any_legacy_id_is_taken_as_given(state: BeadsStateManager, adw_id: str) -> None:
    assert state.create_execution(adw_id, adw_id=adw_id).id == adw_id
    found = state.get_execution(adw_id)
    assert found is not None
    assert found.issue_id == adw_id
    assert state.list_executions(issue_id=adw_id) == [found]


def _wrong_uses() -> dict[str, Callable[[BeadsStateManager], object]]:
    return {
        "the issue's id is empty": lambda s: s.create_execution(""),
        "the execution's id holds a line break": lambda s: s.create_execution("i", adw_id="a\nb"),
        "the execution's id has 201": lambda s: s.create_execution("i", adw_id="x" * 201),
        "'test' is not a phase of execution x": lambda s: s.create_execution("i", adw_id="x", phase="test"),
        "'Plan' cannot be the name of a phase": lambda s: s.create_execution("i", phases=["Plan"]),
        "a workflow has 1 to 100 phases, not 0": lambda s: s.create_execution("i", phases=[]),
        "a workflow has 1 to 100 phases, not 101": lambda s: s.create_execution(
            "i", phases=[f"p{number}" for number in range(101)]
        ),
        "the phase 'plan' is there twice": lambda s: s.create_execution("i", phases=["plan", "x", "plan"]),
        "phases must be a list of names, not str": lambda s: s.create_execution("i", phases="plan"),
        "base_commit must be a text": lambda s: s.create_execution("i", base_commit=7),  # type: ignore[arg-type]
        "'waiting' is not a status to begin": lambda s: s.create_execution("i", status="waiting"),
        "'completed' is not a status to begin": lambda s: s.create_execution("i", status="completed"),
        "workflow is empty": lambda s: s.create_execution("i", workflow=""),
        "environment must be a text": lambda s: s.create_execution("i", environment=None),  # type: ignore[arg-type]
        "owner is empty": lambda s: s.create_execution("i", owner=""),
        "the issue's priority must be a whole": lambda s: s.create_execution(
            "i",
            issue=IssueSnapshot(priority="high"),  # type: ignore[arg-type]
        ),
        "the issue's title must be a text": lambda s: s.create_execution(
            "i",
            issue=IssueSnapshot(title=7),  # type: ignore[arg-type]
        ),
        "worktree_name must be a text": lambda s: s.create_execution("i", worktree_name=b"x"),  # type: ignore[arg-type]
        "extra_data holds a set": lambda s: s.create_execution("i", extra_data={1}),  # type: ignore[arg-type]
        "the checkpoint's name is empty": lambda s: s.create_execution("i", first_checkpoint=("", 1)),
        "checkpoint 'x' holds a number": lambda s: s.create_execution(
            "i", first_checkpoint=("x", float("nan"))
        ),
    }


@pytest.mark.parametrize(
    "phases", [["a"], ["x" * 50], ["plan", "build", "test", "review", "document"], ["a_b", "a-b", "ab", "b"]]
)
def test_an_execution_has_the_phases_of_any_workflow_and_begins_in_the_first(
    state: BeadsStateManager, phases: list[str]
) -> None:
    run = state.create_execution("proj-7", workflow="ours", phases=phases, first_checkpoint=("begun", 1))
    assert (run.phases, run.phase) == (tuple(phases), phases[0])
    assert state.get_execution(run.id) == run
    for phase in phases:
        state.save_checkpoint(run.id, phase, "step", phase)
        assert state.update_execution_status(run.id, "in_progress", phase=phase).phase == phase
    assert [saved.phase for saved in state.list_checkpoints(run.id)] == [phases[0], *phases]


def test_phases_that_somebody_else_stored_as_no_list_are_none(
    state: BeadsStateManager, sidecar_db: Path
) -> None:
    run = state.create_execution("proj-7")
    with closing(sqlite3.connect(sidecar_db)) as connection, connection:
        connection.execute("UPDATE adw_executions SET phases = 'plan, build'")
    found = state.get_execution(run.id)
    assert found is not None
    assert found.phases == ()


@pytest.mark.parametrize("message", list(_wrong_uses()))
def test_wrong_input_is_one_clear_error_and_nothing_is_written(
    state: BeadsStateManager, sidecar_db: Path, message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        _wrong_uses()[message](state)
    assert str(caught.value).startswith(message)
    assert _count(sidecar_db) == _count(sidecar_db, "adw_checkpoints") == 0


def test_the_execution_and_its_first_checkpoint_are_one_transaction(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7", phase="build", first_checkpoint=("started", {"by": "me"}))
    (first,) = state.list_checkpoints(run.id)
    assert (first.seq, first.phase, first.attempt, first.checkpoint_name) == (1, "build", 1, "started")
    assert first.data == {"by": "me"}
    assert first.created_at == run.started_at
    with pytest.raises(CheckpointDataError):
        state.create_execution("proj-8", adw_id="never", first_checkpoint=("started", {"by": b"me"}))  # type: ignore[dict-item]
    assert state.get_execution("never") is None


def test_one_reading_of_the_clock_serves_the_whole_transaction(sidecar_db: Path) -> None:
    class Ticking(SettableClock):
        def now(self) -> datetime:
            self.advance(seconds=1)
            return super().now()

    with BeadsStateManager(sidecar_db, clock=Ticking("2026-11-23T12:00:00Z")) as state:
        run = state.create_execution("proj-7", owner="h:1:x:y", first_checkpoint=("started", 1))
        assert run.started_at == run.updated_at == run.heartbeat_at
        assert state.list_checkpoints(run.id)[0].created_at == run.started_at
        again = state.take_over(run.id, "h:2:x:y", force=True)
        assert again.heartbeat_at == again.updated_at


def test_a_run_that_is_not_there_is_none_and_cannot_be_changed(state: BeadsStateManager) -> None:
    assert state.get_execution("nobody") is None
    assert state.load_checkpoint("nobody") is None
    assert state.list_checkpoints("nobody") == []
    assert state.list_attempts("nobody") == []
    uses: list[Callable[[], object]] = [
        lambda: state.update_execution_status("nobody", "failed"),
        lambda: state.save_checkpoint("nobody", "plan", "x", 1),
        lambda: state.start_attempt("nobody", "plan"),
        lambda: state.take_over("nobody", "h:1:x:y"),
        lambda: state.beat("nobody", 1),
    ]
    for use in uses:
        with pytest.raises(ExecutionNotFoundError) as caught:
            use()
        assert str(caught.value) == "there is no execution 'nobody'"


@pytest.mark.parametrize("wrong", ["", "a\nb", "\udcff", "x" * 201, 7, None])
def test_what_cannot_be_an_id_is_refused_wherever_one_is_asked_for(
    state: BeadsStateManager, wrong: Any
) -> None:
    uses: list[Callable[[], object]] = [
        lambda: state.get_execution(wrong),
        lambda: state.update_execution_status(wrong, "failed"),
        lambda: state.save_checkpoint(wrong, "plan", "x", 1),
        lambda: state.load_checkpoint(wrong),
        lambda: state.list_checkpoints(wrong),
        lambda: state.start_attempt(wrong, "plan"),
        lambda: state.list_attempts(wrong),
        lambda: state.take_over(wrong, "h:1:x:y"),
        lambda: state.beat(wrong, 1),
    ]
    for use in uses:
        with pytest.raises(InvalidInputError, match="the execution's id"):
            use()


def test_filters_narrow_the_list_and_the_newest_come_first(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    made = []
    for number, (issue, environment) in enumerate([("a", "ci"), ("b", "local"), ("a", "local"), ("b", "ci")]):
        made.append(state.create_execution(issue, adw_id=f"r{number}", environment=environment).id)
        clock.advance(seconds=1)
    state.start_attempt("r1", "build")
    state.update_execution_status("r2", "failed", phase="review")

    def ids(**filters: Any) -> list[str]:
        return [run.id for run in state.list_executions(**filters)]

    assert ids() == ["r3", "r2", "r1", "r0"]
    assert ids(issue_id="a") == ["r2", "r0"]
    assert ids(status="pending") == ["r3", "r0"]
    assert ids(phase="build") == ["r1"]
    assert ids(environment="ci") == ["r3", "r0"]
    assert ids(started_after=_NOON + timedelta(seconds=2)) == ["r3", "r2"]
    assert ids(issue_id="a", environment="local", status="failed", phase="review") == ["r2"]
    assert ids(limit=3) == ["r3", "r2", "r1"]
    assert ids(issue_id="nowhere") == []


def test_pages_follow_one_another_without_gap_or_repeat_even_within_one_moment(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    for number in range(7):
        state.create_execution("a", adw_id=f"r{number}")
        if number % 3 == 2:
            clock.advance(seconds=1)
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = state.list_executions(after=after, limit=2)
        seen += [run.id for run in page]
        after = PageStart(page[-1].started_at, page[-1].id)
    assert state.list_executions(after=after, limit=2) == []
    assert seen == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]


@pytest.mark.parametrize(
    "filters",
    [{"limit": 0}, {"limit": 10_001}, {"status": "done"}, {"phase": "Test"}, {"issue_id": "\udcff"}],
)
def test_filters_that_make_no_sense_are_refused(state: BeadsStateManager, filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        state.list_executions(**filters)
    with pytest.raises(AdwError, match="has no time zone"):
        state.list_executions(started_after=datetime(2026, 1, 1))  # noqa: DTZ001


def test_fields_that_are_given_are_set_and_the_others_stay(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("a", extra_data={"old": 1}, branch_name="old")
    clock.advance(seconds=3)
    changed = state.update_execution_status(
        run.id,
        "in_progress",
        phase="build",
        base_commit="c0ffee",
        worktree_name="tree",
        worktree_path="/tree",
        plan_file="plan.md",
        pr_created=True,
        pr_url="https://example.org/1",
        extra_data={"new": 2},
    )
    assert (changed.status, changed.phase, changed.branch_name) == ("in_progress", "build", "old")
    assert (changed.worktree_name, changed.worktree_path) == ("tree", "/tree")
    assert changed.base_commit == "c0ffee"
    assert (changed.plan_file, changed.pr_created, changed.pr_url) == (
        "plan.md",
        True,
        "https://example.org/1",
    )
    assert changed.extra_data == {"new": 2}
    assert (changed.started_at, changed.updated_at) == (_NOON, _NOON + timedelta(seconds=3))
    failed = state.update_execution_status(run.id, "failed", error_message="no\0 luck", pr_created=False)
    assert (failed.error_message, failed.pr_created, failed.phase) == ("no luck", False, "build")
    assert failed == state.get_execution(run.id)
