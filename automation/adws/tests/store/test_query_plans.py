"""Hot statements find their rows by an index; SQLite is asked how it would run them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.store import sql

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory, beads_template: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "beads.db"
    path.write_bytes(beads_template.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        yield connection  # with foreign keys off: how they are followed is a test of its own


def _plan(planner: sqlite3.Connection, text: str) -> list[str]:
    params = dict.fromkeys(_PARAMETER.findall(text))
    steps = [row[3] for row in planner.execute(f"EXPLAIN QUERY PLAN {text}", params)]
    # Which of two indexes on the same columns is taken does not matter.
    return [re.sub(r"USING (?:COVERING )?INDEX \w+ \(", "BY INDEX (", step) for step in steps]


_BY_ID = "SEARCH adw_executions BY INDEX (id=?)"
_BY_RUN = "SEARCH adw_checkpoints BY INDEX (execution_id=?)"
_HOT: dict[tuple[str, str], list[str]] = {
    ("executions", "create_in_step"): [
        "SCAN CONSTANT ROW",
        "SCALAR SUBQUERY 1",
        "SEARCH v",  # the highest key: one step
        "SCALAR SUBQUERY 2",
        "SCAN s",  # of one row
    ],
    ("executions", "create"): [],
    ("executions", "living_issue"): ["SEARCH i BY INDEX (id=?)"],
    ("executions", "change_status"): [_BY_ID],
    ("executions", "enter_phase"): [_BY_ID],
    ("executions", "take_over"): [_BY_ID],
    ("executions", "beat"): [_BY_ID],
    ("executions", "get"): [_BY_ID],
    ("executions", "ids_beginning"): ["SEARCH e BY INDEX (id>? AND id<?)"],
    ("executions", "claimant"): [
        "SEARCH e BY INDEX (issue_id=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH a BY INDEX (execution_id=?)",
    ],
    ("executions", "with_open_attempt"): [
        "SEARCH e BY INDEX (status=?)",
        "SEARCH a BY INDEX (execution_id=?)",
    ],
    ("executions", "list"): [
        "SCAN adw_executions USING INDEX idx_adw_executions_started",
        "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY",
    ],
    ("executions", "list_of_issue"): [
        "SEARCH adw_executions BY INDEX (issue_id=?)",
        "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY",
    ],
    ("executions", "count_by_status"): ["SCAN e USING COVERING INDEX idx_executions_status"],
    ("executions", "failed_lately"): [
        "SEARCH adw_executions BY INDEX (status=?)",
        "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY",
    ],
    ("checkpoints", "append"): [
        "SCALAR SUBQUERY 1",
        "SEARCH e BY INDEX (id=?)",
        "SCALAR SUBQUERY 2",
        "SEARCH c BY INDEX (execution_id=?)",
        "SCALAR SUBQUERY 3",
        "SEARCH a BY INDEX (execution_id=? AND phase=?)",
    ],
    ("checkpoints", "get_by_op_id"): ["SEARCH adw_checkpoints BY INDEX (op_id=?)"],
    ("checkpoints", "newest"): [_BY_RUN],
    ("checkpoints", "newest_matching"): [_BY_RUN],
    ("checkpoints", "list"): [_BY_RUN],
    ("attempts", "interrupt_open"): ["SEARCH adw_phase_attempts BY INDEX (execution_id=?)"],
    ("archive", "request_retention"): [
        "SEARCH e BY INDEX (status=? AND completed_at<?)",
        "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY",
    ],
    ("archive", "delete_requested"): [
        "SEARCH adw_executions BY INDEX (id=?)",
        "USING INDEX sqlite_autoindex_adw_archive_requests_1 FOR IN-OPERATOR",
    ],
}


@pytest.mark.parametrize(("job", "name"), list(_HOT))
def test_a_hot_statement_finds_its_rows_by_an_index(planner: sqlite3.Connection, job: str, name: str) -> None:
    assert _plan(planner, sql.load(job)[name]) == _HOT[job, name]


def test_the_cascade_finds_the_children_of_a_deleted_execution_by_an_index(
    planner: sqlite3.Connection,
) -> None:
    for table in ("adw_phase_attempts", "adw_checkpoints"):
        (step,) = _plan(planner, f"SELECT 1 FROM {table} WHERE execution_id = 'x'")
        assert step.startswith(f"SEARCH {table} BY INDEX (execution_id=?")
    (step,) = _plan(planner, "SELECT 1 FROM adw_executions WHERE issue_id = 'x'")
    assert step == "SEARCH adw_executions BY INDEX (issue_id=?)"


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        ("recent_failures", "SEARCH e BY INDEX (status=? AND completed_at>?)"),
        ("stale_checkpoints", "SEARCH e BY INDEX (status=?)"),
    ],
)
def test_the_views_find_their_rows_by_an_index(planner: sqlite3.Connection, view: str, wanted: str) -> None:
    plan = _plan(planner, f"SELECT * FROM {view}")
    assert wanted in plan
    assert [step for step in plan if step.startswith("SCAN")] == []
