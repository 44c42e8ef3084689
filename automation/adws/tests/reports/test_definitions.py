"""What the numbers mean. Each test is a mistake that an earlier program of this kind made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.errors import IllegalTransitionError
from adw_state.reports.failures import PhaseFailures
from adw_state.reports.phases import FunnelStep, PhaseFunnel
from adw_state.reports.report import (
    Report,
    get_failure_distribution,
    get_phase_funnel,
    get_success_rate_by_issue_type,
    report_from_database,
)
from adw_state.reports.section import last_hours
from adw_state.state import BeadsStateManager, IssueSnapshot
from adws.tests.reports.twins import Twins

PHASES = ("plan", "build", "review")


def attempts_of(report: Report, phase: str) -> dict[str, object]:
    [found] = [group for group in report.attempts if group.phase == phase]
    counts = {name: getattr(found, name) for name in (*found.__slots__, "retries")}
    return {**counts, **{name: getattr(found.durations, name) for name in found.durations.__slots__}}


def funnel(executions: int, *steps: tuple[int, int]) -> PhaseFunnel:
    """The funnel of the built-in workflow with these numbers of executions that reached and completed."""
    counts = zip(PHASES, steps, strict=True)
    return PhaseFunnel(
        "adw_sdlc",
        executions,
        tuple(FunnelStep(place, phase, *counted) for place, (phase, counted) in enumerate(counts, start=1)),
    )


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "UTC"])
def test_a_run_that_takes_no_time_takes_0_seconds_in_every_time_zone(
    twins: Twins, in_zone: Callable[[str], None], zone: str
) -> None:
    in_zone(zone)
    twins.begin().go_through(*PHASES, seconds=0).complete()
    for report in twins.reports(hours=1):
        assert [run.duration_seconds for run in report.recent] == [0.0]
        assert attempts_of(report, "review")["longest_seconds"] == 0.0


@pytest.mark.parametrize("hours", [0.001, 1, 6, 12, 24])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_a_run_that_was_started_this_moment_is_in_every_window(
    twins: Twins, in_zone: Callable[[str], None], zone: str, hours: float
) -> None:
    in_zone(zone)
    twins.begin()
    assert [report.outcomes.total for report in twins.reports(hours)] == [1, 1]


def test_the_window_begins_exactly_where_it_says(twins: Twins) -> None:
    twins.begin()
    twins.clock.advance(hours=24)
    assert [report.outcomes.total for report in twins.reports(hours=24)] == [1, 1]
    twins.clock.advance(seconds=1)
    assert [report.outcomes.total for report in twins.reports(hours=24)] == [0, 0]


def test_ten_runs_that_went_through_every_phase_were_in_every_phase(twins: Twins) -> None:
    for _ in range(10):
        twins.begin().go_through(*PHASES).complete()
    for report in twins.reports():
        assert report.funnels == (funnel(10, (10, 10), (10, 10), (10, 10)),)


def test_the_funnel_counts_how_far_runs_got_not_where_they_are_now(twins: Twins) -> None:
    twins.begin()
    twins.begin().start("plan")
    twins.begin().start("plan").fail("no plan")
    twins.begin().go_through("plan").start("build")
    twins.begin().go_through("plan", "build")
    twins.begin().go_through("plan", "build").start("review").fail("not good enough")
    twins.begin().go_through(*PHASES).complete()
    for report in twins.reports():
        assert report.funnels == (funnel(7, (6, 4), (4, 3), (2, 1)),)


def test_a_run_whose_phase_was_only_set_counts_as_having_reached_it(twins: Twins) -> None:
    run = twins.state.create_execution("demo-1", status="in_progress")
    twins.state.update_execution_status(run.id, "in_progress", phase="build")
    assert twins.report().funnels == (funnel(1, (1, 1), (1, 0), (0, 0)),)


THOROUGH = ("plan", "build", "test", "review", "document")


def test_two_workflows_have_a_funnel_each_that_of_most_executions_first(twins: Twins) -> None:
    twins.begin().go_through(*PHASES).complete()
    thorough = twins.begin(workflow="thorough", phases=THOROUGH).go_through("plan", "build").start("test")
    thorough.send_back("2 tests failed").go_through("build").start("test").send_back("1 test failed")
    thorough.start("build").fail("no idea")
    twins.begin(workflow="thorough", phases=THOROUGH).go_through(*THOROUGH).complete()
    for report in twins.reports():
        assert report.funnels == (
            PhaseFunnel(
                "thorough",
                2,
                (
                    FunnelStep(1, "plan", reached=2, completed=2),
                    FunnelStep(2, "build", reached=2, completed=2),
                    FunnelStep(3, "test", reached=2, completed=1),
                    FunnelStep(4, "review", reached=1, completed=1),
                    FunnelStep(5, "document", reached=1, completed=1),
                ),
            ),
            funnel(1, (1, 1), (1, 1), (1, 1)),
        )
        assert [found.phase for found in report.attempts] == ["plan", "build", "review", "test", "document"]
        test = attempts_of(report, "test")
        assert (test["executions"], test["attempts"], test["failed"], test["completed"]) == (2, 3, 2, 1)
        assert report.failures.by_phase == (PhaseFailures("build", 1),)


def test_two_lists_of_phases_under_one_name_have_a_funnel_each(twins: Twins) -> None:
    twins.begin(workflow="ours", phases=["plan", "ship"]).go_through("plan", "ship").complete()
    twins.begin(workflow="ours", phases=["ship"]).start("ship")
    for report in twins.reports():
        assert [(funnel.workflow, funnel.steps) for funnel in report.funnels] == [
            ("ours", (FunnelStep(1, "plan", 1, 1), FunnelStep(2, "ship", 1, 1))),
            ("ours", (FunnelStep(1, "ship", 1, 0),)),
        ]


@pytest.mark.parametrize("value", ["x'4772fc'", "cast(x'4772fc' AS TEXT)", "'[7, null]'", "'{}'"])
def test_what_somebody_else_stored_for_names_and_lists_keeps_no_run_from_being_counted(
    twins: Twins, value: str
) -> None:
    twins.begin().go_through(*PHASES).complete()
    bad = twins.begin().start("plan").fail("no")
    silent = twins.begin()
    twins.clock.advance(hours=25)
    with closing(sqlite3.connect(twins.state.path, isolation_level=None)) as connection:
        connection.execute(
            f"UPDATE adw_executions SET workflow = {value}, phases = {value}, phase = {value}"
            " WHERE id IN (?, ?)",
            (bad.id, silent.id),
        )
        connection.execute(f"UPDATE adw_phase_attempts SET phase = {value} WHERE execution_id = ?", (bad.id,))
    report = twins.report(hours=30)
    assert (report.outcomes.completed, report.outcomes.failed) == (1, 1)
    assert sorted(found.executions for found in report.funnels) == [1, 2]
    assert [type(run.phase) for run in report.stale.newest] == [str]
    assert funnel(1, (1, 1), (1, 1), (1, 1)) in report.funnels
    assert sum(found.failures for found in report.failures.by_phase) == 1
    assert [found.attempts for found in report.attempts] == [1, 1, 1, 1]


def test_a_run_that_waits_is_counted_as_waiting_and_where_it_stands(twins: Twins) -> None:
    run = twins.begin().go_through("plan").start("build")
    twins.state.update_execution_status(run.id, "waiting", waiting_for="person")
    report = twins.report()
    assert (report.outcomes.waiting, report.outcomes.total) == (1, 1)
    assert report.funnels == (funnel(1, (1, 1), (1, 0), (0, 0)),)


def test_recent_runs_are_the_newest_ten_newest_first(twins: Twins) -> None:
    started = []
    for _ in range(12):
        started.append(twins.begin().id)
        twins.clock.advance(seconds=60)
    for report in twins.reports():
        assert [run.execution_id for run in report.recent] == started[:1:-1]


def test_a_failure_without_a_message_is_a_failure(twins: Twins) -> None:
    run = twins.begin().start("build").fail("")
    for report in twins.reports():
        assert report.failures.failures == 1
        assert report.failures.by_phase == (PhaseFailures("build", 1),)
        [pattern] = report.failures.by_pattern
        assert (pattern.pattern, pattern.example) == ("no message recorded", None)
        assert pattern.example_execution_id == run.id


def test_of_checkpoints_saved_in_one_instant_the_last_is_the_newest(twins: Twins) -> None:
    twins.begin().start("plan").save("first").save("second").save("third")
    twins.clock.advance(hours=25)
    for report in twins.reports():
        assert [found.checkpoint_name for found in report.stale.newest] == ["third"]


def test_a_completed_run_cannot_be_in_progress_again(state: BeadsStateManager) -> None:
    run = state.create_execution("demo-1")
    state.update_execution_status(run.id, "completed")
    with pytest.raises(IllegalTransitionError):
        state.update_execution_status(run.id, "in_progress")


def test_retries_are_counted_per_phase(twins: Twins) -> None:
    run = twins.begin().go_through("plan").start("build").work(5).fail("flaky").resume()
    run.start("build").work(5).interrupt_phase().resume().start("build").work(30).complete_phase()
    twins.begin().go_through("plan", "build")
    for report in twins.reports():
        found = attempts_of(report, "build")
        assert (found["executions"], found["attempts"], found["retries"]) == (2, 4, 2)
        assert (found["completed"], found["failed"], found["interrupted"]) == (2, 1, 1)
        assert attempts_of(report, "plan")["retries"] == 0


def test_a_crashed_run_is_in_progress_and_after_a_day_it_is_stale(twins: Twins) -> None:
    run = twins.begin().go_through("plan").start("build")
    twins.clock.advance(hours=24)
    for report in twins.reports(hours=48):
        assert (report.outcomes.in_progress, report.stale.executions) == (1, 0)
    twins.clock.advance(seconds=1)
    for report in twins.reports(hours=1):
        assert report.outcomes.total == 0, "stale runs are told whatever the window"
        assert [found.execution_id for found in report.stale.newest] == [run.id]


@pytest.mark.parametrize("minutes", [24 * 60 + 1, 24 * 60 + 40])
def test_a_run_is_stale_after_24_hours_and_not_after_25(twins: Twins, minutes: int) -> None:
    twins.begin().start("plan").save("plan_written")
    twins.clock.advance(seconds=minutes * 60)
    for report in twins.reports():
        assert [found.age_hours for found in report.stale.newest] == [minutes / 60]


def test_a_run_that_lives_is_not_stale_however_old_its_checkpoints(twins: Twins) -> None:
    run = twins.begin().start("plan")
    for _ in range(5):
        run.save("step").work(12 * 3600)
    assert [report.stale.executions for report in twins.reports(hours=200)] == [0, 0]


def test_a_heartbeat_is_a_sign_of_life(state: BeadsStateManager, twins: Twins) -> None:
    run = state.create_execution("demo-1", owner="me")
    twins.clock.advance(hours=30)
    state.beat(run.id, run.fence)
    twins.clock.advance(hours=20)
    stale = twins.report(hours=72).stale
    assert (stale.executions, stale.newest) == (0, ())
    twins.clock.advance(hours=5)
    assert [found.age_hours for found in twins.report(hours=96).stale.newest] == [25.0]


@pytest.mark.parametrize("sign", ["checkpoint", "attempt"])
def test_silence_is_counted_from_the_last_sign_of_life_and_to_the_second(twins: Twins, sign: str) -> None:
    run = twins.begin().start("plan").work(3600)
    if sign == "checkpoint":
        run.save("plan_written")
    else:
        run.complete_phase()
    twins.clock.advance(hours=24)
    assert [(report.stale.executions, report.stale.newest) for report in twins.reports()] == [(0, ())] * 2
    twins.clock.advance(seconds=1)
    for report in twins.reports():
        assert report.stale.executions == len(report.stale.newest) == 1


def test_a_stale_run_without_a_checkpoint_is_told_too(twins: Twins) -> None:
    twins.begin().start("plan")
    twins.begin().start("plan").save("plan_written")
    twins.clock.advance(hours=25)
    for report in twins.reports():
        assert (report.stale.executions, report.stale.without_checkpoint) == (2, 1)


def test_both_success_rates_say_what_they_divide_by(twins: Twins) -> None:
    twins.begin().go_through(*PHASES).complete()
    twins.begin().start("plan").fail("no")
    twins.begin().start("plan")
    twins.begin()
    for report in twins.reports():
        assert report.outcomes.success_rate_percent == 25.0
        assert report.outcomes.finished_success_rate_percent == 50.0


def test_runs_on_issues_without_a_type_are_a_group_of_their_own(twins: Twins) -> None:
    twins.begin(issue=IssueSnapshot("A", None, None))
    twins.begin(issue=IssueSnapshot("B", "chore", 3))
    twins.begin(issue=IssueSnapshot("C", "chore", 3))
    for report in twins.reports():
        assert [(group.issue_type, group.total) for group in report.by_issue_type] == [
            ("chore", 2),
            ("unknown", 1),
        ]


def test_a_run_killed_in_review_is_not_completed(twins: Twins) -> None:
    twins.begin().go_through("plan", "build").start("review")
    for report in twins.reports():
        assert (report.outcomes.completed, report.outcomes.in_progress) == (0, 1)


def test_a_run_that_was_retried_to_success_is_completed_and_counts_once(twins: Twins) -> None:
    twins.begin().start("plan").fail("no").resume().go_through(*PHASES).complete()
    for report in twins.reports():
        assert (report.outcomes.completed, report.outcomes.failed, report.outcomes.total) == (1, 0, 1)
        assert report.funnels == (funnel(1, (1, 1), (1, 1), (1, 1)),)
        assert report.failures.failures == 0
        assert report.recent[0].error is None


def test_a_run_that_was_resumed_and_did_nothing_yet_is_in_progress(twins: Twins) -> None:
    twins.begin().resume()
    twins.begin().go_through("plan").start("build").resume()
    for report in twins.reports():
        assert (report.outcomes.in_progress, report.outcomes.pending) == (2, 0)
        found = attempts_of(report, "build")
        assert (found["interrupted"], found["in_progress"]) == (1, 0)


def test_the_error_of_a_run_is_shown_only_where_it_failed(twins: Twins) -> None:
    run = twins.state.create_execution("demo-1")
    twins.state.update_execution_status(run.id, "in_progress", error_message="survived")
    assert twins.report().recent[0].error is None
    twins.state.update_execution_status(run.id, "failed")
    assert twins.report().recent[0].error == "survived"


def test_a_phase_that_died_of_a_signal_has_failed(twins: Twins) -> None:
    twins.begin().start("build").fail("killed", exit_code=-9)
    for report in twins.reports():
        assert attempts_of(report, "build")["failed"] == 1


def test_the_median_of_1_2_3_4_is_2_and_a_half(twins: Twins) -> None:
    for seconds in (4, 1, 3, 2):
        twins.begin().go_through("plan", seconds=seconds)
    for report in twins.reports():
        found = attempts_of(report, "plan")
        assert (found["measured"], found["median_seconds"], found["longest_seconds"]) == (4, 2.5, 4.0)
        assert found["p95_seconds"] is None, "of 4 it would only be the longest"


def test_the_median_of_an_odd_number_is_the_one_in_the_middle(twins: Twins) -> None:
    for seconds in (1, 100, 3):
        twins.begin().go_through("plan", seconds=seconds)
    assert attempts_of(twins.report(), "plan")["median_seconds"] == 3.0


@pytest.mark.parametrize(("runs", "p95"), [(19, None), (20, 19.0), (21, 20.0), (40, 38.0), (100, 95.0)])
def test_p95_is_the_smallest_duration_that_95_of_100_do_not_exceed(
    sidecar_db: Path, runs: int, p95: float | None
) -> None:
    with sqlite3.connect(sidecar_db) as connection:
        for seconds in range(1, runs + 1):
            insert_attempt(connection, f"run-{seconds}", float(seconds))
    connection.close()
    window = last_hours(1e6)
    assert attempts_of(report_from_database(sidecar_db, window), "plan")["p95_seconds"] == p95


def test_a_run_is_dated_by_its_start_not_by_its_files(twins: Twins) -> None:
    run = twins.begin()
    os.utime(run.log.path.parent, (0, 0))
    os.utime(run.log.path, (0, 0))
    assert twins.reports(hours=1)[1].outcomes.total == 1


def test_an_empty_window_has_no_rate_rather_than_a_rate_of_0(twins: Twins) -> None:
    for report in twins.reports():
        assert report.outcomes.total == 0
        assert report.outcomes.success_rate_percent is None
        assert report.outcomes.finished_success_rate_percent is None
        assert report.by_issue_type == ()


def test_attempts_that_were_cut_short_do_not_lower_the_durations(twins: Twins) -> None:
    twins.begin().start("plan").work(100).complete_phase()
    twins.begin().start("plan").work(1).fail("at once")
    twins.begin().start("plan").work(1).interrupt_phase()
    for report in twins.reports():
        found = attempts_of(report, "plan")
        assert (found["attempts"], found["measured"], found["median_seconds"]) == (3, 1, 100.0)


def test_failures_are_grouped_by_what_their_messages_mean(twins: Twins) -> None:
    for minute, test in ((1, "a"), (2, "b"), (3, "c")):
        twins.begin(f"demo-{minute}").start("build").fail(f"{minute} tests failed in /tmp/{test}/x.py")
        twins.clock.advance(seconds=60)
    twins.begin().start("plan").fail("the agent never answered")
    for report in twins.reports():
        first, second = report.failures.by_pattern
        assert (first.pattern, first.failures) == ("<n> tests failed in <path>", 3)
        assert first.example == "3 tests failed in /tmp/c/x.py", "the newest"
        assert (second.pattern, second.phases) == ("the agent never answered", ("plan",))


def test_an_environment_narrows_every_answer(twins: Twins) -> None:
    twins.begin(environment="ci").start("plan").fail("no")
    twins.begin(environment="local").go_through(*PHASES).complete()
    for report in twins.reports(environment="ci"):
        assert (report.outcomes.total, report.outcomes.failed) == (1, 1)
        assert [funnel.executions for funnel in report.funnels] == [1]
        assert report.failures.failures == 1
        assert attempts_of(report, "plan")["attempts"] == 1
        assert len(report.recent) == 1


def test_the_three_questions_can_be_asked_alone(twins: Twins) -> None:
    twins.begin().start("build").fail("no")
    whole = twins.report()
    path, clock = twins.state.path, twins.clock
    assert get_success_rate_by_issue_type(path, 24, clock=clock) == whole.by_issue_type
    assert get_phase_funnel(path, 24, clock=clock) == whole.funnels
    assert get_failure_distribution(path, 24, clock=clock) == whole.failures
    assert get_phase_funnel(path, 24, clock=clock, environment="elsewhere") == ()


def test_what_lies_in_the_archive_is_named(twins: Twins) -> None:
    twins.begin().go_through(*PHASES).complete()
    twins.clock.advance(days=2)
    assert twins.state.archive_old_executions(days=1) == 1
    report = twins.report(hours=100)
    assert report.outcomes.total == 0
    [note] = report.notes
    assert (note.subject, note.count) == ("executions of this window in the archive, not counted", 1)


def test_a_report_changes_nothing(twins: Twins, sidecar_db: Path) -> None:
    twins.begin().start("plan")
    twins.state.close()
    before = sidecar_db.read_bytes()
    twins.report()
    assert sidecar_db.read_bytes() == before


def insert_attempt(connection: sqlite3.Connection, run_id: str, seconds: float) -> None:
    moment = "2026-11-23T12:00:00.000000Z"
    connection.execute(
        "INSERT INTO adw_executions"
        " (id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at)"
        " VALUES (?, 'demo-1', 'adw_sdlc', 'local', '[\"plan\"]', 'plan', 'in_progress', ?, ?)",
        (run_id, moment, moment),
    )
    connection.execute(
        "INSERT INTO adw_phase_attempts"
        " (execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds)"
        " VALUES (?, 'plan', 1, 1, 'completed', ?, ?, ?)",
        (run_id, moment, moment, seconds),
    )
