"""Logs and states as people have them: every dialect, every accident, nothing guessed."""

from __future__ import annotations

import json
import os
import resource
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adw_state.clock import SettableClock
from adw_state.reports.log_records import read_records
from adw_state.reports.reading import Notebook
from adw_state.reports.report import Report, report_from_files
from adw_state.reports.run_files import RunFolders
from adw_state.reports.section import last_hours
from adws.tests.processes import run_apart

CLOCK = SettableClock("2025-10-14T00:00:00Z")
HEAD = """\
2025-10-13 10:00:00 - INFO - ADW Logger initialized - ID: run-1
2025-10-13 10:00:01 - INFO - Starting ADW workflow for issue #7
2025-10-13 10:00:02 - INFO - Running adw_phases/adw_plan.py
"""


class Files:
    """A folder of logs and states, and the report that is made of them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def log(self, text: str | bytes, run: str = "run-1", workflow: str = "adw_sdlc") -> Path:
        path = self.root / "logs" / "shop" / "local" / run / workflow / "execution.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def state(self, fields: object, run: str = "run-1") -> Path:
        path = self.root / "agents" / run / "adw_state.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
        return path

    def report(self, hours: float = 24, environment: str | None = None) -> Report:
        folders = RunFolders(self.root / "logs", self.root / "agents", ZoneInfo("UTC"))
        return report_from_files(folders, last_hours(hours, clock=CLOCK, environment=environment))

    def notes(self) -> dict[str, int]:
        return {note.subject: note.count for note in self.report().notes}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def steps(report: Report) -> dict[str, tuple[int, int]]:
    """How many executions reached and completed each phase of the only funnel, in its order."""
    [funnel] = report.funnels
    return {step.phase: (step.reached, step.completed) for step in funnel.steps}


def statuses(report: Report) -> dict[str, str]:
    return {run.execution_id: run.status for run in report.recent}


def test_lines_after_a_record_belong_to_it(files: Files) -> None:
    error = '2025-10-13 10:00:03 - ERROR - git failed\nfatal: not a repository\n{\n  "a": 1\n}\n'
    files.log(
        HEAD
        + error
        + "2025-10-13 10:00:04 - ERROR - adw_phases/adw_plan.py failed with exit code 128\n"
        + "2025-10-13 10:00:04 - ERROR - ADW workflow failed for issue #7\n"
    )
    report = files.report()
    assert statuses(report) == {"run-1": "failed"}
    assert report.failures.by_pattern[0].example == "git failed"
    assert report.notes == ()


def test_a_message_may_be_empty_and_go_on_in_the_next_line(files: Files) -> None:
    files.log(HEAD + "2025-10-13 10:00:03 - ERROR - \nthe disk is full\n" + failed())
    assert files.report().failures.by_pattern[0].pattern == "the disk is full"


def test_the_errors_that_stand_together_before_a_failure_are_its_message(files: Files) -> None:
    files.log(
        HEAD
        + "2025-10-13 10:00:03 - ERROR - something that was survived\n"
        + "2025-10-13 10:00:03 - INFO - going on\n"
        + "2025-10-13 10:00:04 - ERROR - tests failed\n2025-10-13 10:00:04 - ERROR - see the log\n"
        + failed()
    )
    assert files.report().recent[0].error == "tests failed"


@pytest.mark.parametrize("code", ["1", "128", "-9"])
def test_an_attempt_that_failed_has_failed_though_the_workflow_never_said_so(files: Files, code: str) -> None:
    files.log(HEAD + f"2025-10-13 10:00:04 - ERROR - adw_phases/adw_plan.py failed with exit code {code}\n")
    report = files.report()
    assert statuses(report) == {"run-1": "in_progress"}
    assert report.attempts[0].failed == 1


def test_text_deep_in_a_long_line_is_no_record(files: Files) -> None:
    ended = "2025-10-13 10:00:05 - INFO - ADW workflow completed for issue #7\n"
    files.log(HEAD + "x" * 64 * 1024 + ended)
    assert statuses(files.report()) == {"run-1": "in_progress"}


def test_a_quotation_of_an_older_log_is_not_taken_for_records(files: Files) -> None:
    files.log(
        HEAD
        + "2025-10-13 10:00:03 - ERROR - the agent said:\n"
        + "2025-09-01 08:00:00 - INFO - Plan phase completed successfully\n"
        + "2025-09-01 09:00:00 - INFO - ADW workflow completed for issue #7\n"
    )
    assert statuses(files.report()) == {"run-1": "in_progress"}
    assert files.notes() == {"log lines that quote an earlier log": 2}


def test_a_record_about_another_issue_does_not_end_this_run(files: Files) -> None:
    files.log(HEAD + "2025-10-13 10:00:03 - INFO - ADW workflow completed for issue #8\n")
    assert statuses(files.report()) == {"run-1": "in_progress"}
    assert files.notes() == {"log lines about another issue than their run's": 1}


def test_the_end_of_a_phase_that_was_not_begun_is_noted_and_not_counted(files: Files) -> None:
    files.log(HEAD + "2025-10-13 10:00:03 - INFO - Review phase completed successfully\n")
    report = files.report()
    assert steps(report) == {"plan": (1, 0), "build": (0, 0), "review": (0, 0)}
    assert files.notes() == {"phase ends without a beginning": 1}


def test_one_file_may_hold_two_runs(files: Files) -> None:
    other = HEAD.replace("run-1", "run-2").replace("10:00", "11:00").replace("#7", "#8")
    files.log(HEAD + other + "2025-10-13 11:05:00 - INFO - ADW workflow completed for issue #8\n")
    assert statuses(files.report()) == {"run-1": "in_progress", "run-2": "completed"}


def test_one_run_may_lie_in_a_file_per_workflow(files: Files) -> None:
    files.log(
        HEAD + "2025-10-13 10:00:09 - INFO - Plan phase completed successfully\n", workflow="b_comes_first"
    )
    files.log(
        "2025-10-13 10:01:00 - INFO - ADW Logger initialized - ID: run-1\n"
        "2025-10-13 10:01:00 - INFO - Running adw_phases/adw_build.py\n"
        "2025-10-13 10:02:00 - INFO - Build phase completed successfully\n",
        workflow="a_comes_second",
    )
    report = files.report()
    assert report.outcomes.total == 1
    [funnel] = report.funnels
    assert (funnel.workflow, steps(report)) == ("b_comes_first", {"plan": (1, 1), "build": (1, 1)})
    assert report.recent[0].phase == "build", "the later file is read later, whatever its name"


def test_a_copy_of_a_log_is_read_once(files: Files) -> None:
    path = files.log(HEAD)
    copy = files.root / "agents" / "run-1" / "adw_sdlc" / "execution.log"
    copy.parent.mkdir(parents=True)
    shutil.copyfile(path, copy)
    report = files.report()
    assert report.attempts[0].attempts == 1
    assert files.notes() == {"duplicate logs": 1}


def test_several_processes_announce_themselves_in_one_run(files: Files) -> None:
    again = "2025-10-13 10:00:03 - INFO - ADW Logger initialized - ID: run-1\n"
    files.log(HEAD + again * 3 + "2025-10-13 10:00:09 - INFO - Plan phase completed successfully\n")
    report = files.report()
    assert report.outcomes.total == 1
    assert report.attempts[0].completed == 1


def test_dumps_of_two_processes_may_run_into_each_other(files: Files) -> None:
    files.log(
        HEAD
        + "2025-10-13 10:00:03 - INFO - State: {\n"
        + '  "issue_number": "7",\n'
        + "2025-10-13 10:00:03 - INFO - Plan phase completed successfully\n"
        + '  "issue_class": "/bug"\n}\n'
    )
    report = files.report()
    assert report.attempts[0].completed == 1
    assert files.notes() == {"incomplete state dumps in logs": 1}


def test_a_dumped_state_tells_the_issue_and_its_type(files: Files) -> None:
    dump = json.dumps({"issue_number": 9, "issue_class": "/bug", "plan_file": None}, indent=2)
    files.log(f"2025-10-13 10:00:00 - INFO - State: {dump}\n")
    [run] = files.report().recent
    assert (run.execution_id, run.issue_id, run.issue_type, run.status) == ("run-1", "9", "bug", "unknown")


def test_an_outcome_that_nobody_told_is_unknown(files: Files) -> None:
    files.log(
        "2025-10-13 10:00:00 - INFO - ADW Logger initialized - ID: run-1\n"
        "2025-10-13 10:00:00 - INFO - ADW Build starting - ID: run-1, Issue: 999\n"
        "2025-10-13 10:00:00 - ERROR - Error: Missing required environment variables:\n"
        "2025-10-13 10:00:00 - ERROR -   - SOME_KEY\n"
    )
    report = files.report()
    assert (report.outcomes.unknown, report.outcomes.failed) == (1, 0)
    assert [(found.phase, found.unknown) for found in report.attempts] == [("build", 1)]
    assert steps(report)["build"] == (1, 0)


def test_phases_of_other_teams_are_in_the_funnel_in_the_order_in_which_they_appear(files: Files) -> None:
    planned = HEAD + "2025-10-13 10:00:30 - INFO - Plan phase completed successfully\n"
    later = planned.replace("run-1", "run-2").replace("10:00", "09:00")  # begins first
    files.log(
        planned
        + "2025-10-13 10:00:31 - INFO - Running adw_phases/adw_test.py\n"
        + "2025-10-13 10:00:40 - ERROR - no docker\n"
        + failed("test")
    )
    files.log(later + "2025-10-13 09:01:00 - INFO - Running adw_phases/adw_build.py\n", run="run-2")
    report = files.report()
    assert steps(report) == {"plan": (2, 2), "build": (2, 1), "test": (1, 0)}
    assert [(group.phase, group.failures) for group in report.failures.by_phase] == [("test", 1)]
    assert report.notes == ()


def test_a_phase_of_another_team_may_end_by_another_name(files: Files) -> None:
    named = "2025-10-13 10:00:30 - INFO - Plan phase completed successfully\n"
    documented = "2025-10-13 10:00:31 - INFO - Running adw_phases/adw_document.py\n"
    ended = "2025-10-13 10:00:41 - INFO - Documentation phase completed successfully\n"
    files.log(HEAD + named + documented + ended)
    assert steps(files.report()) == {"plan": (1, 1), "document": (1, 1)}
    files.log(HEAD + named + documented + ended.replace("Documentation", "Plan"))
    assert files.notes() == {"phase ends without a beginning": 1}


def test_runs_of_each_workflow_have_a_funnel_of_their_own(files: Files) -> None:
    files.log(HEAD)
    other = HEAD.replace("run-1", "run-2").replace("adw_plan", "adw_scout")
    files.log(other, run="run-2", workflow="adw_scouting")
    report = files.report()
    assert [(funnel.workflow, [step.phase for step in funnel.steps]) for funnel in report.funnels] == [
        ("adw_scouting", ["scout"]),
        ("adw_sdlc", ["plan", "build", "review"]),
    ]


def test_the_phases_that_a_log_or_a_state_lists_are_those_of_the_workflow(files: Files) -> None:
    listed = "2025-10-13 10:00:01 - INFO - Phases of ADW workflow a: b: plan, smoke-test\n"
    files.log(HEAD + listed)
    files.state({"adw_id": "b", "created_at": at(0), "workflow": "w", "phases": ["x", 7, "y"]}, "b")
    found = {funnel.workflow: [step.phase for step in funnel.steps] for funnel in files.report().funnels}
    assert found == {"a: b": ["plan", "smoke-test"], "w": ["x", "y"]}


@pytest.mark.parametrize("text", [b"", b"\n\n", b"no record at all\n", b"\x00\x00\x00"])
def test_a_log_without_a_record_is_noted(files: Files, text: bytes) -> None:
    files.log(text)
    report = files.report()
    assert report.outcomes.total == 0
    assert "logs without a record" in {note.subject for note in report.notes}


def test_bytes_that_are_no_text_do_not_stop_the_reading(files: Files) -> None:
    files.log(HEAD.encode() + b"2025-10-13 10:00:03 - ERROR - caf\xe9 \xff\xfe\n" + failed().encode())
    assert statuses(files.report()) == {"run-1": "failed"}
    assert files.notes() == {"log lines that are not UTF-8": 1}


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_windows_line_ends_and_byte_order_marks_are_understood(files: Files, end: str, start: str) -> None:
    text = start + HEAD + "2025-10-13 10:00:09 - INFO - ADW workflow completed for issue #7"
    files.log(text.replace("\n", end))
    report = files.report()
    assert statuses(report) == {"run-1": "completed"}
    assert report.recent[0].started_at == datetime(2025, 10, 13, 10, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["2025-13-45 99:99:99", "0000-00-00 00:00:00"])
def test_a_line_with_an_impossible_time_is_text(files: Files, stamp: str) -> None:
    files.log(HEAD + f"{stamp} - INFO - ADW workflow completed for issue #7\n")
    assert statuses(files.report()) == {"run-1": "in_progress"}


def test_a_log_that_begins_in_the_middle_is_named_by_its_folder(files: Files) -> None:
    files.log("lost head\n2025-10-13 10:00:00 - INFO - Running adw_phases/adw_build.py\n", run="run-9")
    report = files.report()
    assert statuses(report) == {"run-9": "unknown"}
    assert files.notes() == {"lines before the first record of a log": 1}


def test_a_state_alone_tells_what_it_records_and_no_more(files: Files) -> None:
    files.state({"adw_id": "a", "created_at": "2025-10-13T10:00:00", "issue_class": "/bug"}, "a")
    files.state({"adw_id": "b", "created_at": "2025-10-13T10:00:00", "status": "failed"}, "b")
    files.state({"adw_id": "c", "issue_number": 3}, "c")
    files.state({"adw_id": "d", "created_at": "2025-10-13T10:00:00", "status": "sleeping"}, "d")
    report = files.report()
    assert statuses(report) == {"a": "unknown", "b": "failed", "d": "unknown"}
    assert files.notes() == {
        "runs without a start time, not counted": 1,
        "states with an unknown status": 1,
    }


def test_attempts_of_a_state_are_ordered_by_their_begin(files: Files) -> None:
    results = [
        {"phase": "build", "success": False, "started_at": at(6)},
        {"phase": "plan", "success": True, "started_at": at(0), "completed_at": at(5)},
    ]
    files.state({"created_at": at(0), "issue_number": True, "phase_results": results})
    [run] = files.report().recent
    assert (run.phase, run.issue_id) == ("build", "unknown")


def test_a_state_tells_the_end_that_the_log_does_not_tell(files: Files) -> None:
    files.log(HEAD)
    files.state({"adw_id": "run-1", "status": "cancelled", "completed_at": at(5)})
    [run] = files.report().recent
    assert (run.status, run.phase, run.duration_seconds) == ("cancelled", "plan", 300.0)


def test_the_end_that_the_log_tells_is_the_end(files: Files) -> None:
    files.log(HEAD + "2025-10-13 10:09:00 - INFO - ADW workflow completed for issue #7\n")
    files.state({"adw_id": "run-1", "status": "failed", "completed_at": at(5), "error": "old"})
    [run] = files.report().recent
    assert (run.status, run.duration_seconds, run.error) == ("completed", 540.0, None)


def test_the_environment_of_a_state_is_the_true_name_of_the_folder(files: Files) -> None:
    files.log(HEAD)
    files.state({"adw_id": "run-1", "environment": "on call/eu"})
    assert files.report(environment="on call/eu").outcomes.total == 1
    assert files.report(environment="local").outcomes.total == 0


def test_the_attempts_of_a_run_without_a_log_come_from_its_state(files: Files) -> None:
    results = [
        {"phase": "plan", "success": True, "started_at": at(0), "completed_at": at(5)},
        {
            "phase": "build",
            "success": False,
            "started_at": at(6),
            "completed_at": at(7),
            "error_message": "no",
        },
        {"phase": "validate", "success": False, "started_at": at(8), "completed_at": at(9)},
        {"phase": "build"},
    ]
    files.state({"adw_id": "a", "created_at": at(0), "status": "failed", "phase_results": results}, "a")
    report = files.report()
    by_phase = {found.phase: found for found in report.attempts}
    assert by_phase["plan"].durations.median_seconds == 300.0
    assert (by_phase["build"].failed, by_phase["build"].attempts) == (1, 1)
    assert by_phase["validate"].failed == 1
    assert files.notes()["attempts in states without a phase or a start"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        '{"adw_id": ',
        "[" * 100_000,
        '{"started_at": 1e999, "adw_id": NaN}',
        '{"a": "\\ud800"}',
    ],
)
def test_a_state_that_is_no_state_is_noted_or_empty(files: Files, text: str) -> None:
    files.log(HEAD)
    files.state(text)
    assert statuses(files.report()) == {"run-1": "in_progress"}


def test_halves_of_characters_in_a_state_do_not_stop_the_report(files: Files) -> None:
    files.state(
        '{"adw_id": "\\ud800x", "created_at": "2025-10-13T10:00:00", "issue_title": "\\udfff",'
        ' "workflow": "\\udfff", "phases": ["\\ud800", "b"], "current_phase": "\\ud800", "status": "failed"}'
    )
    report = files.report()
    assert list(statuses(report)) == ["?x"]
    assert steps(report) == {"?": (1, 0), "b": (0, 0)}


def test_a_list_of_phases_without_end_is_left_alone(files: Files) -> None:
    files.state({"adw_id": "a", "created_at": at(0), "phases": [f"p{number}" for number in range(10_000)]})
    assert steps(files.report()) == {}


@pytest.mark.parametrize("run", ["--skip-e2e", "a b+c " * 12, 'it\'s "quoted"', "née", "x.;rm"])
def test_any_name_of_a_folder_is_the_name_of_a_run(files: Files, run: str) -> None:
    files.log("2025-10-13 10:00:00 - INFO - Running adw_phases/adw_plan.py\n", run=run)
    assert list(statuses(files.report())) == [run]


def test_runs_whose_environment_nobody_told_are_left_out_where_one_is_asked_for(files: Files) -> None:
    files.log(HEAD)
    files.state({"adw_id": "a", "created_at": "2025-10-13T10:00:00"}, "a")
    report = files.report(environment="local")
    assert list(statuses(report)) == ["run-1"]
    assert [(note.subject, note.count) for note in report.notes] == [
        ("runs without an environment, not counted", 1)
    ]


def test_a_pipe_named_like_a_log_is_not_opened(files: Files) -> None:
    path = files.log(HEAD)
    os.mkfifo(path.parent.parent / "execution.log")
    assert statuses(files.report()) == {"run-1": "in_progress"}


def test_folders_that_are_not_there_are_named(files: Files) -> None:
    assert files.notes() == {"log folders that do not exist": 1}


def test_a_log_of_any_size_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "execution.log"
    with path.open("wb") as file:
        file.write(HEAD.encode())
        for _ in range(50):
            file.write(b"x" * 1_000_000)  # one line of 50 MB …
        file.write(b"\n" + b"prose\n" * 500_000)  # … in a record of half a million more
        file.write(b"2025-10-13 10:00:09 - INFO - Plan phase completed successfully\n")

    def read() -> tuple[int, int]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        records = sum(1 for _ in read_records(path, None, Notebook()))
        return records, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024

    records, grown_mb = run_apart(read)
    assert records == 4
    assert grown_mb < 20


def phase_lines(phase: str, begin: str, end: str, ending: str) -> str:
    """What a clean log says of a phase."""
    return f"2025-10-13 {begin} - INFO - Running adw_phases/adw_{phase}.py\n2025-10-13 {end} - {ending}\n"


def failure(phase: str, code: int) -> str:
    """What a log says at the end of a phase that failed."""
    return f"ERROR - adw_phases/adw_{phase}.py failed with exit code {code}"


def clean_log(run: str, *phases: str) -> str:
    """A log without continuation lines, as examples in documents are."""
    return (
        f"2025-10-13 10:00:00 - INFO - ADW Logger initialized - ID: {run}\n"
        f"2025-10-13 10:00:01 - INFO - Starting ADW workflow for issue #7\n{''.join(phases)}"
    )


def test_clean_logs_give_the_numbers_that_a_reader_counts(files: Files) -> None:
    planned = phase_lines("plan", "10:00:02", "10:00:31", "INFO - Plan phase completed successfully")
    built = phase_lines("build", "10:00:32", "10:01:02", "INFO - Build phase completed successfully")
    reviewed = phase_lines("review", "10:01:03", "10:01:13", "INFO - Review phase completed successfully")
    broken = phase_lines("build", "10:00:32", "10:00:33", failure("build", 1))
    unplanned = phase_lines("plan", "10:00:02", "10:00:09", failure("plan", -9))
    over = "2025-10-13 10:01:14 - INFO - ADW workflow completed for issue #7\n"
    lost = "2025-10-13 10:01:14 - ERROR - ADW workflow failed for issue #7\n"
    files.log(clean_log("done", planned, built, reviewed, over), run="done")
    files.log(clean_log("broken", planned, broken, lost), run="broken")
    files.log(clean_log("unplanned", unplanned, lost), run="unplanned")
    busy = phase_lines("build", "10:00:32", "10:00:40", "INFO - busy")
    files.log(clean_log("open", planned, busy), run="open")
    report = files.report()
    assert statuses(report) == {
        "done": "completed",
        "broken": "failed",
        "unplanned": "failed",
        "open": "in_progress",
    }
    assert steps(report) == {"plan": (4, 3), "build": (3, 1), "review": (1, 1)}
    assert [(group.phase, group.failures) for group in report.failures.by_phase] == [
        ("plan", 1),
        ("build", 1),
    ]
    plan = report.attempts[0]
    assert (plan.attempts, plan.completed, plan.failed, plan.durations.median_seconds) == (4, 3, 1, 29.0)


def test_the_clean_examples_give_the_numbers_that_a_reader_counts(shared: Path) -> None:
    folder = shared / "data" / "adw-json" / "kotadb-fixtures"
    report = report_from_files(
        RunFolders(folder / "logs", folder / "agents", ZoneInfo("UTC")), last_hours(24, clock=CLOCK)
    )
    assert statuses(report) == {
        "test_run_999": "in_progress",
        "test_run_789": "failed",
        "test_run_456": "failed",
        "test_run_123": "completed",
    }
    assert steps(report) == {
        "plan": (4, 3),
        "build": (3, 2),
        "test": (2, 1),
        "review": (1, 1),
        "document": (1, 1),
    }
    assert [(group.phase, group.failures) for group in report.failures.by_phase] == [
        ("plan", 1),
        ("test", 1),
    ]
    assert {group.issue_type: group.success_rate_percent for group in report.by_issue_type} == {
        "feature": 100.0,
        "chore": 0.0,
        "unknown": 0.0,
    }
    plan = report.attempts[0]
    assert (plan.attempts, plan.completed, plan.failed, plan.durations.median_seconds) == (4, 3, 1, 29.0)


def test_real_logs_are_read_without_a_guess(shared: Path) -> None:
    folder = shared / "data" / "adw-json" / "scout-plan-build" / "agents"
    report = report_from_files(
        RunFolders(folder, folder, ZoneInfo("UTC")),
        last_hours(24 * 30, clock=SettableClock("2025-11-01T00:00:00Z")),
    )
    assert set(statuses(report).values()) == {"unknown"}
    assert set(statuses(report)) == {
        "parallel-001",
        "ADW-PARALLEL001",
        "Add plan-summarize command and standardize spec schema + versioning across the repo",
    }
    assert report.failures.failures == 0


def failed(phase: str = "plan") -> str:
    return (
        f"2025-10-13 10:00:41 - ERROR - adw_phases/adw_{phase}.py failed with exit code 1\n"
        "2025-10-13 10:00:41 - ERROR - ADW workflow failed for issue #7\n"
    )


def at(minutes: int) -> str:
    return f"2025-10-13T10:{minutes:02}:00.000000Z"


def test_a_log_that_may_not_be_read_is_noted(files: Files) -> None:
    files.log(HEAD)
    unreadable = files.log(HEAD, run="run-2")
    unreadable.unlink()
    unreadable.symlink_to("/proc/self/mem")  # opens, and refuses to be read even for root
    assert statuses(files.report()) == {"run-1": "in_progress"}
    assert files.notes() == {"logs that cannot be read": 1}


def test_folders_inside_each_other_are_read_once(files: Files) -> None:
    files.log(HEAD)
    folders = RunFolders(files.root, files.root / "logs", ZoneInfo("UTC"))
    report = report_from_files(folders, last_hours(24, clock=CLOCK))
    assert report.attempts[0].attempts == 1
    assert report.notes == ()


def test_a_second_state_of_a_run_takes_no_checkpoint_away(files: Files) -> None:
    fields = {"adw_id": "run-1", "status": "in_progress", "started_at": "2025-10-01T10:00:00Z"}
    saved = files.state(fields, run="first").parent / "build" / "checkpoints.json"
    saved.parent.mkdir()
    saved.write_text('{"checkpoints": [{"step": "edited", "timestamp": "2025-10-01T11:00:00Z"}]}')
    files.state(fields, run="second")
    assert [stale.checkpoint_name for stale in files.report().stale.newest] == ["edited"]
