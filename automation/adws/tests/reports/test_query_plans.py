"""A report works on the executions of its window, however many there were before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from adw_state.store import sql
from adws.tests.work_of_statements import fill, steps_of

FEW, MANY = 40, 4000
PARAMS = {
    "since": "2026-11-23T11:50:00.000000Z",  # the last ten
    "silent_since": "2026-11-20T12:00:00.000000Z",
    "environment": "local",
    "most": 20,
}
# Unfinished executions are looked at whenever they began; the archive is read through for one number.
ABOUT_ALL_ROWS = {"stale_checkpoints", "archived_in_window"}


@pytest.fixture(scope="module")
def databases(
    tmp_path_factory: pytest.TempPathFactory, sidecar_template: Path
) -> Iterator[list[sqlite3.Connection]]:
    """The same database with few executions and with many."""
    with ExitStack() as stack:
        opened = []
        for executions in (FEW, MANY):
            path = tmp_path_factory.mktemp("work") / "state.sqlite3"
            path.write_bytes(sidecar_template.read_bytes())
            connection = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            fill(connection, executions)
            opened.append(connection)
        yield opened


@pytest.mark.parametrize("name", sorted(set(sql.load("reports")) - ABOUT_ALL_ROWS))
def test_a_report_looks_up_what_it_needs(databases: list[sqlite3.Connection], name: str) -> None:
    few, many = (steps_of(connection, sql.load("reports")[name], PARAMS) for connection in databases)
    assert few > 0
    assert many <= 1.1 * few


def test_the_view_of_failures_looks_up_the_failed(databases: list[sqlite3.Connection]) -> None:
    few, many = (steps_of(connection, "SELECT * FROM recent_failures", {}) for connection in databases)
    assert many <= 1.1 * few


def test_a_report_that_reads_every_execution_is_noticed(databases: list[sqlite3.Connection]) -> None:
    text = "SELECT * FROM adw_executions AS e WHERE e.started_at >= :since AND e.workflow = 'x'"
    few, many = (steps_of(connection, text.replace("e.started_at", "+e.started_at"), PARAMS)
                 for connection in databases)  # fmt: skip
    assert many > 50 * few
