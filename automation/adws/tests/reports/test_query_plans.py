"""The hot queries look up what they need and never read a whole table, however many executions there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.store import sql

PARAMS = {
    "since": "2026-11-22T12:00:00.000000Z",
    "silent_since": "2026-11-22T12:00:00.000000Z",
    "environment": "local",
    "most": 20,
}
# The archive is read through, once per report and only for its number.
READ_THROUGH = {"archived_in_window"}
# Results of subqueries, as many as were looked up; those without a name stand in parentheses.
RESULTS = {"d", "s", "t", "CONSTANT"}


@pytest.fixture(scope="module")
def connection(sidecar_template: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{sidecar_template}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection


def read_whole(connection: sqlite3.Connection, text: str) -> set[str]:
    """The tables, by their names in the query, that are read from the first row to the last."""
    steps = [row[3].split() for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", PARAMS)]
    scanned = {step[1] for step in steps if step[0] == "SCAN"}
    return {name for name in scanned - RESULTS if not name.startswith("(")}


@pytest.mark.parametrize("name", sorted(set(sql.load("reports")) - READ_THROUGH))
def test_a_report_looks_up_what_it_needs(connection: sqlite3.Connection, name: str) -> None:
    assert read_whole(connection, sql.load("reports")[name]) == set()


@pytest.mark.parametrize("view", ["recent_failures", "stale_checkpoints"])
def test_a_view_looks_up_what_it_needs(connection: sqlite3.Connection, view: str) -> None:
    assert read_whole(connection, f"SELECT * FROM {view}") == set()


def test_reading_a_table_through_is_noticed(connection: sqlite3.Connection) -> None:
    assert read_whole(connection, "SELECT * FROM adw_executions AS e WHERE e.workflow = 'x'") == {"e"}
