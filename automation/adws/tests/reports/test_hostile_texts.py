"""Titles and errors of any kind forge nothing: both backends give the same numbers and the same texts."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adw_state.clock import SettableClock
from adw_state.log_forms import FORMS, quoted, unquoted
from adw_state.reports.report import Report
from adw_state.state import BeadsStateManager, IssueSnapshot
from adws.tests.conftest import NOW
from adws.tests.project import Project
from adws.tests.reports.twins import Twins

ANSWERS = [field.name for field in fields(Report) if field.name not in ("source", "notes")]
RECORDS = (
    "2026-11-23 12:00:00 - INFO - ADW Logger initialized - ID: forged",
    "2026-11-23 12:00:00 - INFO - Starting ADW workflow for issue #forged",
    "2026-11-23 12:00:00 - INFO - ADW workflow completed for issue #demo-1",
)
SENTENCES = (
    "ADW Logger initialized - ID: forged",
    "Starting ADW workflow for issue #demo-1",
    "Running adw_phases/adw_review.py",
    "Phases of ADW workflow forged: plan, review",
    "Build phase completed successfully",
    "Plan phase interrupted: Ctrl-C",
    "adw_phases/adw_build.py failed with exit code 1",
    "ADW workflow completed for issue #demo-1",
    "ADW workflow failed for issue #demo-1",
    "ADW Plan starting - ID: x, Issue: 7",
    'State: {"issue_number": "7"}',
    "bug priority=3 title=forged",
)
ODD = (
    "ends in a blank ",
    " begins with one",
    "   ",
    "",
    '"in quotes"',
    '"half a quote',
    "back\\slash \\n \\x1b",
    "\x1b[31mred\x1b[0m\x07",
    "carriage\rreturn",
    "next\x85line, \u2028separators\u2029, \x0b\x0c\x1c",
    "\u202eturned around",
    "lone \ud800 surrogate",
    "NUL \0 here",
    "unknown",
    "null",
    "Grüße 検索 🎉",
    "a real \ufffd mark",
    "first line\n\n  third line\n",
)
NASTY = (*SENTENCES, *ODD, *(f"harmless\n{record}" for record in RECORDS), *(f"\n{r}\n" for r in RECORDS))
TEXT = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=()), max_size=80))


def check(
    template: Path, title: str | None, issue_type: str | None, error: str, workflow: str = "adw_sdlc"
) -> None:
    """Write two runs into both records, one that fails and one that completes, and compare the reports."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "state.sqlite3")
        shutil.copyfile(template, database)
        clock = SettableClock(NOW)
        with BeadsStateManager(database, clock=clock) as state:
            twins = Twins(Path(folder, "shop"), state, clock)
            issue = IssueSnapshot(title, issue_type, 1)
            twins.begin("demo-1", issue=issue).start("plan").work(5).complete_phase().start("build").fail(
                error
            )
            twins.begin("demo-2", issue=issue, workflow=workflow).go_through(
                "plan", "build", "review"
            ).complete()
            from_database, from_files = twins.reports()
    for answer in ANSWERS:
        assert getattr(from_files, answer) == getattr(from_database, answer), answer
    assert from_files.outcomes.total == 2
    assert from_files.notes == ()


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(title=st.none() | TEXT, issue_type=st.none() | TEXT, error=TEXT)
@example(title="x" * 65_536, issue_type="bug", error="\x1b" * 65_536)
@example(title="\x9b" * 65_536, issue_type="🎉" * 1000, error="検" * 70_000)
def test_both_backends_tell_the_same_of_any_texts(
    sidecar_template: Path, title: str | None, issue_type: str | None, error: str
) -> None:
    check(sidecar_template, title, issue_type, error)


@pytest.mark.parametrize("text", NASTY)
def test_both_backends_tell_the_same_of_a_nasty_text_anywhere(sidecar_template: Path, text: str) -> None:
    check(sidecar_template, text, text, text)


PRINTABLE = [text for text in NASTY if text.isprintable() and text.strip()]


@pytest.mark.parametrize("name", [*PRINTABLE, "a: plan, build", "adw_sdlc: ", "x/../y", "x" * 200])
def test_both_backends_tell_the_same_of_any_name_of_a_workflow(sidecar_template: Path, name: str) -> None:
    check(sidecar_template, "A title", "bug", "no", name)


@given(st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(NASTY))
def test_a_quoted_text_is_one_line_that_is_no_sentence_and_reads_back(text: str) -> None:
    line = quoted(text)
    assert len(line.splitlines()) == 1
    assert not any(form.fullmatch(line) for form in FORMS.values())
    assert unquoted(line) == text


def test_an_ordinary_text_stands_in_the_log_as_it_is() -> None:
    for text in ("3 tests failed in app/login.py", "Grüße 🎉", "C:\\path", 'say "hello"'):
        assert quoted(text) == text


def test_a_hostile_title_forges_no_record_of_a_whole_run(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    title = f"harmless\n{RECORDS[0]}\n{RECORDS[1]}\x1b[2J "
    failing = f"scripted --fail 'plan:no\n{RECORDS[2]}'"

    project.adw("run", "demo-1", "--title", title, "--agent", failing)

    reports = [project.adw("analyze", "--backend", name, "--json").json for name in ("database", "json")]
    for report in reports:
        assert (report["outcomes"]["total"], report["outcomes"]["failed"]) == (1, 1)
        assert report["recent"][0]["issue_title"] == title
        assert report["recent"][0]["error"] == "no"
    assert reports[0]["failures"] == reports[1]["failures"]
    (log,) = (project.folder / ".adw" / "logs").rglob("execution.log")
    assert [line for line in log.read_text().splitlines() if not line.startswith("20")] == []
    assert "forged" not in [line.rpartition(" ")[2] for line in log.read_text().splitlines()]


def test_a_title_that_only_the_state_tells_is_read_as_it_is(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    project.adw("run", "demo-1", "--title", " ends in a blank ", "--until", "plan")
    for log in (project.folder / ".adw" / "logs").rglob("execution.log"):
        log.unlink()

    for backend in ("database", "json"):
        report = project.adw("analyze", "--backend", backend, "--json").json
        assert [run["issue_title"] for run in report["recent"]] == [" ends in a blank "]
