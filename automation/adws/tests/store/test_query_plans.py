"""Hot statements find their rows by an index: in a hundred times as many rows they work no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from adw_state.store import sql
from adw_state.store.executions import create_statement
from adws.tests.work_of_statements import fill, steps_of

FEW, MANY = 40, 4000
PARAMS: dict[str, object] = {
    "id": "run-21",
    "execution_id": "run-21",
    "issue_id": "any-21",
    "beginning": "run-21",
    "behind": "run-210",
    "workflow": "ours",
    "environment": "local",
    "phases": '["plan","build"]',
    "phase": "build",
    "place": 2,
    "attempt": 1,
    "status": "failed",
    "owner": "another",
    "fence": 1,
    "force": 0,
    "claim": 1,
    "claimed": 0,
    "op_id": "op-21-3",
    "checkpoint_name": "step-3",
    "checkpoint_data": "{}",
    "listed": '%"build"%',
    "now": "2026-11-23T12:00:00.000000Z",
    "silent_since": "2026-11-23T12:00:00.000000Z",
    "ended_before": "2026-11-23T11:50:00.000000Z",
    "most": 10,
}
_NOW = "2026-11-23T12:00:00.000000Z"
_TIMES: dict[str, object] = dict.fromkeys(("started_at", "updated_at", "completed_at", "finished_at"), _NOW)
# Without filters, as they are asked most.
_EVERYTHING: dict[str, object] = dict.fromkeys(("status", "phase", "environment"))
ONLY: dict[tuple[str, str], dict[str, object]] = {
    ("executions", "create"): {"id": "another", "status": "pending"},
    ("executions", "add"): {"id": "another", **_TIMES, "pr_created": 0},
    ("executions", "renew"): {**_TIMES, "pr_created": 0},
    ("attempts", "add"): {"attempt": 9, **_TIMES},
    ("checkpoints", "append"): {"op_id": "op-another"},
    ("checkpoints", "add"): {"op_id": "op-another", "seq": 99, "created_at": _NOW},
    ("executions", "list"): _EVERYTHING,
    ("executions", "list_of_issue"): _EVERYTHING,
}
# What these answer is about all rows: they read an index, or what is unfinished, to its end.
ABOUT_ALL_ROWS = {
    ("executions", "count_by_status"),
    ("executions", "with_open_attempt"),
    ("archive", "request_retention"),
}
HOT = [
    (job, name)
    for job in ("executions", "checkpoints", "attempts", "archive")
    for name in sql.load(job)
    if (job, name) not in ABOUT_ALL_ROWS
]


class Databases(NamedTuple):
    """The same database with few rows and with many."""

    few: sqlite3.Connection
    many: sqlite3.Connection


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory, beads_template: Path) -> Iterator[Databases]:
    opened = []
    with ExitStack() as stack:
        for executions in (FEW, MANY):
            path = tmp_path_factory.mktemp("work") / "beads.db"
            path.write_bytes(beads_template.read_bytes())
            connection = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            fill(connection, executions)
            opened.append(connection)
        yield Databases(*opened)


@pytest.mark.parametrize(("job", "name"), HOT)
def test_a_hot_statement_works_no_more_in_a_large_database(databases: Databases, job: str, name: str) -> None:
    text, params = _text(job, name), PARAMS | ONLY.get((job, name), {})
    few, many = (steps_of(connection, text, params) for connection in databases)
    assert few > 0
    assert many <= few + 20


def test_an_execution_beside_a_trackers_issues_is_begun_without_a_search(databases: Databases) -> None:
    text = create_statement(sql.load("reconciliation")["issue_in_step"])
    few, many = (steps_of(connection, text, PARAMS | {"id": "another"}) for connection in databases)
    assert many <= few + 20


def _text(job: str, name: str) -> str:
    """The statement as it is run: to begin an execution, the home says what it knows of the issue."""
    texts = sql.load(job)
    return (
        create_statement(texts["unknown_issue"]) if (job, name) == ("executions", "create") else texts[name]
    )


def test_a_statement_without_an_index_is_found_out(databases: Databases) -> None:
    text = "SELECT * FROM adw_executions WHERE environment = :execution_id"
    few, many = (steps_of(connection, text, PARAMS) for connection in databases)
    assert many > 50 * few


def test_the_cascade_finds_the_children_of_a_deleted_execution_by_an_index(databases: Databases) -> None:
    for connection in databases:
        connection.execute("PRAGMA foreign_keys = ON")
    few, many = (
        steps_of(connection, "DELETE FROM adw_executions WHERE id = :id", PARAMS) for connection in databases
    )
    assert many <= few + 20
