"""How a report is printed: for a terminal, for an issue, for another program."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adw_state.errors import InvalidInputError
from adw_state.reports.reading import Note
from adw_state.reports.renderers import FORMATS, render
from adw_state.reports.report import Origin, Report
from adw_state.reports.text_table import Column, clip, display_width, lay_out
from adw_state.state import IssueSnapshot
from adw_state.visible_text import visible
from adws.tests.reports.twins import Twins

GOLDEN = Path(__file__).parent / "golden"
SUFFIX = {"text": "txt", "markdown": "md", "json": "json", "csv": "csv"}


@pytest.fixture
def report(twins: Twins) -> Report:
    """A day with a bit of everything."""
    twins.begin("demo-9", adw_id="run-0").start("plan").save("plan_written")
    twins.clock.advance(hours=30)
    for number in range(1, 4):
        twins.begin(f"demo-{number}", adw_id=f"run-{number}").go_through("plan", "build", "review").complete()
    feature = IssueSnapshot("Export as CSV | and more", "feature", 1)
    broken = twins.begin("demo-4", adw_id="run-4", issue=feature).go_through("plan").start("build").work(7.5)
    broken.fail("=3 tests failed in <app/login.py>\nTraceback …")
    retried = twins.begin("demo-5", adw_id="run-5", issue=IssueSnapshot("検索をやり直す", None, None))
    retried.start("plan").work(3).fail("").resume().go_through("plan", seconds=90)
    twins.begin("demo-6", adw_id="run-6")
    thorough = twins.begin(
        "demo-7", adw_id="run-7", workflow="thorough", phases=["plan", "build", "test", "document"]
    )
    thorough.go_through("plan", "build").start("test").work(20).send_back("2 tests failed")
    thorough.go_through("build", "test").start("document").work(10)
    twins.clock.advance(hours=1)
    return replace(
        twins.report(),
        source=Origin("database", ("/shop/.beads/beads.db",), 1e-06),
        notes=(Note("logs without a record", 2, "logs/a/execution.log"),),
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_the_report_looks_as_it_did(report: Report, kind: str) -> None:
    assert render(report, kind, width=100) == (GOLDEN / f"report.{SUFFIX[kind]}").read_text()


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_window_says_so(twins: Twins, kind: str) -> None:
    text = render(twins.report(), kind)
    said = {
        "text": "No executions were started in this window.",
        "markdown": "No executions were started in this window.",
        "json": '"total": 0',
        "csv": "outcomes,,total,0",
    }
    assert said[kind] in text
    assert '"success_rate_percent": null' in text or kind != "json"


def test_a_section_without_a_row_says_so(twins: Twins) -> None:
    twins.begin()
    assert "Attempts by phase\n  Nothing is recorded.\n\n" in render(twins.report(), "text")
    assert "## Attempts by phase\n\nNothing is recorded.\n\n" in render(twins.report(), "markdown")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 200])
def test_no_line_of_the_text_is_wider_than_the_terminal(report: Report, width: int) -> None:
    assert max(display_width(line) for line in render(report, "text", width=width).splitlines()) <= width


def test_headings_are_bold_only_where_that_is_wanted(report: Report) -> None:
    assert "\x1b" not in render(report, "text")
    assert "\x1b[1mOutcomes\x1b[0m" in render(report, "text", styled=True)


def test_json_holds_the_promised_fields(report: Report) -> None:
    shape = json.loads(render(report, "json"))
    assert shape["schema"] == "adw.report/2"
    assert list(shape) == [
        "schema",
        "generated_at",
        "window",
        "source",
        "outcomes",
        "by_issue_type",
        "funnels",
        "failures",
        "attempts",
        "stale",
        "recent",
        "notes",
    ]
    assert shape["outcomes"]["success_rate_percent"] == 100.0 * 3 / 7


def test_csv_has_every_number_of_the_json(report: Report) -> None:
    shape = json.loads(render(report, "json"))
    rows = list(csv.reader(io.StringIO(render(report, "csv"))))
    assert rows[0] == ["section", "item", "measure", "value"]
    cells = {(section, item, measure): value for section, item, measure, value in rows[1:]}
    assert len(cells) == len(rows) - 1, "no measure stands twice"
    assert cells["outcomes", "", "total"] == "7"
    for group in shape["by_issue_type"]:
        assert cells["by_issue_type", group["issue_type"], "total"] == str(group["total"])
    for funnel in shape["funnels"]:
        for step in funnel["steps"]:
            item = f"{funnel['workflow']} {step['phase']}"
            assert cells["funnels.steps", item, "reached"] == str(step["reached"])
    for run in shape["recent"]:
        assert cells["recent", run["execution_id"], "status"] == run["status"]


def test_a_spreadsheet_does_not_run_an_error_message(report: Report) -> None:
    rows = csv.reader(io.StringIO(render(report, "csv")))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


def test_markdown_shows_what_the_messages_say(report: Report) -> None:
    text = render(report, "markdown")
    assert "\\<path\\>" in text, "else a browser takes it for a tag"
    assert "Export as CSV \\| and more" not in text, "the newest runs show the error of a failed one"
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_a_format_that_is_none_is_refused(report: Report) -> None:
    with pytest.raises(InvalidInputError, match="'html' is not a format"):
        render(report, "html")


def test_rendering_imports_neither_rich_nor_click() -> None:
    code = (
        "import sys; from adw_state.reports import renderers, report;"
        "print(sorted({'rich', 'click', 'tenacity'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


TEXT = st.text(max_size=60)
TABLE = st.lists(st.tuples(TEXT, TEXT, st.integers(0, 10**6).map(str)), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rows=TABLE, width=st.integers(30, 120))
def test_a_table_of_any_text_fits_its_width_and_cannot_steer_a_terminal(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    columns = (Column("name", least=6), Column("why", least=6, dispensable=True), Column("n", numeric=True))
    lines = lay_out(columns, rows, width)
    assert all(display_width(line) <= width for line in lines)
    assert [line for line in lines if visible(line) != line] == []


def test_a_narrow_table_drops_what_is_dispensable_and_then_becomes_records() -> None:
    columns = (Column("execution"), Column("title", least=10, dispensable=True))
    rows = [("run-1234567890", "a long title of an issue")]
    assert lay_out(columns, rows, 28) == ["execution       title", "run-1234567890  a long titl…"]
    assert lay_out(columns, rows, 20) == ["execution", "run-1234567890"]
    assert lay_out(columns, rows, 12) == ["execution:", "  run-1234567890"], "part of an id names nothing"
    assert lay_out([*columns[:1], Column("title", least=10)], rows, 20) == [
        "execution:",
        "  run-1234567890",
        "title: a long title…",
    ]


def test_columns_of_nothing_but_zeros_are_left_out_where_they_are_optional() -> None:
    columns = (Column("phase"), Column("failed", numeric=True, optional=True), Column("n", numeric=True))
    assert lay_out(columns, [("plan", "0", "0")], 40) == ["phase  n", "plan   0"]


@pytest.mark.parametrize(
    ("text", "width", "clipped"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("検索", 3, "検…"), ("ab", 0, "")]
)
def test_clipping_counts_cells_not_characters(text: str, width: int, clipped: str) -> None:
    assert clip(text, width) == clipped


def test_the_page_on_reports_names_every_field(report: Report) -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "reports.md").read_text()
    shape = json.loads(render(report, "json"))
    missing = [name for name in names_in(shape) if name not in page]
    assert missing == []


def names_in(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(names_in, value)) if value else set()
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set()
