"""The three views, as a person with the sqlite3 shell sees them. Their clock is the engine's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.reports.report import analyze
from adw_state.state import BeadsStateManager


def _ask(path: Path, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def _hours_ago(hours: float) -> SettableClock:
    return SettableClock(datetime.now(UTC) - timedelta(hours=hours))


def _fail(path: Path, issue: str, adw_id: str, hours: float, message: str | None) -> None:
    with BeadsStateManager(path, clock=_hours_ago(hours)) as state:
        state.create_execution(issue, adw_id=adw_id)
        state.start_attempt(adw_id, "build")
        state.update_execution_status(adw_id, "failed", error_message=message)


def test_recent_failures_say_what_failed_where_why_and_how_long_ago(beads_db: Path) -> None:
    _fail(beads_db, "demo-1", "a", 3.5, "tests do not pass")
    _fail(beads_db, "demo-2", "b", 1, None)  # a failure without a word is a failure too
    with BeadsStateManager(beads_db) as state:
        state.create_execution("demo-3")
        state.update_execution_status(state.create_execution("demo-3").id, "completed")
        state.update_execution_status(state.create_execution("demo-3").id, "cancelled")
    rows = _ask(beads_db, "SELECT * FROM recent_failures ORDER BY age_hours DESC")
    assert list(rows[0]) == [
        "execution_id",
        "issue_id",
        "issue_title",
        "issue_type",
        "phase",
        "error_message",
        "failed_at",
        "age_hours",
    ]
    assert [list(row.values())[:6] for row in rows] == [
        ["a", "demo-1", "Login fails on Safari", "bug", "build", "tests do not pass"],
        ["b", "demo-2", "Export as CSV", "feature", "build", None],
    ]
    assert [round(row["age_hours"], 1) for row in rows] == [3.5, 1.0]


def test_a_failure_is_recent_for_thirty_days_to_the_minute(beads_db: Path) -> None:
    _fail(beads_db, "demo-1", "just", 30 * 24 - 0.02, "x")
    _fail(beads_db, "demo-1", "no longer", 30 * 24 + 0.02, "x")
    assert [row["execution_id"] for row in _ask(beads_db, "SELECT * FROM recent_failures")] == ["just"]


def _silent(path: Path, adw_id: str, hours: float, *, steps: int = 2) -> None:
    with BeadsStateManager(path, clock=_hours_ago(hours)) as state:
        state.create_execution("demo-1", adw_id=adw_id)
        for step in range(steps):
            state.save_checkpoint(adw_id, "plan", f"step-{step}", step)


def test_stale_checkpoints_are_the_newest_of_runs_without_a_sign_of_life_for_a_day(beads_db: Path) -> None:
    _silent(beads_db, "old", 24.01)
    _silent(beads_db, "almost", 23.99)
    _silent(beads_db, "nothing saved", 99, steps=0)
    rows = _ask(beads_db, "SELECT * FROM stale_checkpoints ORDER BY age_hours")
    assert [row["execution_id"] for row in rows] == ["old", "nothing saved"]
    assert (rows[1]["checkpoint_name"], rows[1]["seq"], round(rows[1]["age_hours"])) == (None, None, 99)
    assert list(rows[0]) == [
        "execution_id",
        "issue_id",
        "issue_title",
        "issue_type",
        "phase",
        "checkpoint_name",
        "seq",
        "checkpoint_at",
        "last_sign_of_life_at",
        "error_message",
        "age_hours",
    ]
    assert (rows[0]["checkpoint_name"], rows[0]["seq"]) == ("step-1", 2)
    assert (rows[0]["issue_title"], rows[0]["issue_type"]) == ("Login fails on Safari", "bug")
    assert round(rows[0]["age_hours"], 1) == 24.0


@pytest.mark.parametrize("sign", ["heartbeat", "update", "checkpoint"])
def test_any_sign_of_life_makes_a_run_fresh_again(beads_db: Path, sign: str) -> None:
    with BeadsStateManager(beads_db, clock=_hours_ago(40)) as state:
        state.create_execution("demo-1", adw_id="a", first_checkpoint=("x", 1), owner="h:1:x:y")
    assert len(_ask(beads_db, "SELECT * FROM stale_checkpoints")) == 1
    with BeadsStateManager(beads_db, clock=_hours_ago(2)) as state:
        if sign == "heartbeat":
            state.beat("a", 1)
        elif sign == "update":
            state.update_execution_status("a", "in_progress")
        else:
            state.save_checkpoint("a", "plan", "y", 2)
    assert _ask(beads_db, "SELECT * FROM stale_checkpoints") == []


def _last_seen_by(path: Path, sign: str, hours: float) -> None:
    """A run that began 50 hours ago and gave this as its last sign of life so many hours ago."""
    name = f"{sign} {hours}"
    with BeadsStateManager(path, clock=_hours_ago(50)) as state:
        state.create_execution("demo-1", adw_id=name, owner="h:1:x:y")
    with BeadsStateManager(path, clock=_hours_ago(hours)) as state:
        if sign == "heartbeat":
            state.beat(name, 1)
        elif sign == "checkpoint":
            state.save_checkpoint(name, "plan", "saved", 1)
        elif sign == "attempt":
            state.finish_attempt(state.start_attempt(name, "plan"), "failed")
        elif sign == "waiting":
            until = datetime.now(UTC) - timedelta(hours=hours)
            state.update_execution_status(name, "waiting", waiting_for="limit", waiting_until=until)
        else:
            state.update_execution_status(name, sign)


def test_the_view_the_status_and_the_report_agree_on_what_is_stale(sidecar_db: Path) -> None:
    for sign in ("heartbeat", "checkpoint", "attempt", "in_progress", "waiting", "completed"):
        for hours in (23.9, 24.1):
            _last_seen_by(sidecar_db, sign, hours)
    rows = _ask(sidecar_db, "SELECT execution_id, checkpoint_name FROM stale_checkpoints")
    seen = {(row["execution_id"], row["checkpoint_name"]) for row in rows}
    with BeadsStateManager(sidecar_db) as state:
        in_status = {(run.execution_id, run.checkpoint_name) for run in state.summarize(most=100).stale}
    stale = analyze("database", db_path=sidecar_db).stale
    assert {(run.execution_id, run.checkpoint_name) for run in stale.newest} == in_status == seen
    assert len(seen) == 5
    assert (stale.executions, stale.without_checkpoint) == (5, 4)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_run_that_has_ended_has_no_stale_checkpoint(beads_db: Path, end: str) -> None:
    with BeadsStateManager(beads_db, clock=_hours_ago(40)) as state:
        state.create_execution("demo-1", adw_id="a", first_checkpoint=("x", 1))
        state.update_execution_status("a", end)
    assert _ask(beads_db, "SELECT * FROM stale_checkpoints") == []


def test_success_rates_count_all_runs_and_the_finished_ones(beads_db: Path) -> None:
    ends = {"demo-1": ["completed", "completed", "failed", "in_progress"], "demo-3": ["cancelled"]}
    with BeadsStateManager(beads_db) as state:
        state.update_execution_status(state.create_execution("demo-3").id, "waiting", waiting_for="person")
        for issue, statuses in ends.items():
            for status in statuses:
                state.update_execution_status(state.create_execution(issue).id, status)
    assert _ask(beads_db, "SELECT * FROM success_rate_by_type ORDER BY issue_type") == [
        {
            "issue_type": "bug",
            "total": 4,
            "completed": 2,
            "failed": 1,
            "cancelled": 0,
            "unfinished": 1,
            "success_rate_percent": 50.0,
            "finished_success_rate_percent": 100.0 * 2 / 3,
        },
        {
            "issue_type": "chore",
            "total": 2,
            "completed": 0,
            "failed": 0,
            "cancelled": 1,
            "unfinished": 1,
            "success_rate_percent": 0.0,
            "finished_success_rate_percent": None,
        },
    ]


def test_runs_of_an_unknown_type_are_a_group_with_a_name(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7")
    (row,) = _ask(sidecar_db, "SELECT * FROM success_rate_by_type")
    assert (row["issue_type"], row["total"], row["unfinished"]) == ("unknown", 1, 1)


def test_the_views_answer_when_the_trackers_tables_are_gone(beads_db: Path) -> None:
    _fail(beads_db, "demo-1", "a", 1, "x")
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.execute("ALTER TABLE issues RENAME TO issues_old")
        for view in ("recent_failures", "stale_checkpoints", "success_rate_by_type"):
            connection.execute(f"SELECT * FROM {view}").fetchall()
        connection.rollback()


@pytest.mark.parametrize("view", ["recent_failures", "stale_checkpoints", "success_rate_by_type"])
def test_an_empty_database_gives_empty_answers(sidecar_db: Path, view: str) -> None:
    assert _ask(sidecar_db, f"SELECT * FROM {view}") == []
