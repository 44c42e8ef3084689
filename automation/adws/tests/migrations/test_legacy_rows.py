"""What an execution of the earlier implementation becomes: its times, its values, what is said about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adws.tests.migrations.earlier import RECORD, Became, checkpoint, execution, upgraded

START = "2026-11-20T10:00:00.000000Z"

Become = Callable[..., Became]


@pytest.fixture
def become(tracker_db: Path) -> Become:
    return partial(upgraded, tracker_db)


# -- times


def test_the_start_is_utc_and_the_end_is_local_time(become: Become) -> None:
    run = execution("1", status="completed", phase="plan", completed_at="2026-11-20T02:30:15.250000")
    found = become([run])
    assert found.run("started_at, completed_at, updated_at") == (
        START,
        "2026-11-20T10:30:15.250000Z",
        "2026-11-20T10:30:15.250000Z",
    )
    assert found.notes == {
        "notes": [
            "completed_at '2026-11-20T02:30:15.250000' has no zone; read as this machine's local time, -0800"
        ]
    }


def test_an_end_before_the_start_was_written_in_another_zone_and_gives_way(become: Become) -> None:
    run = execution("1", status="failed", completed_at="2026-11-20T01:00:00")
    found = become([run], [checkpoint("1", "planned", "2026-11-20 10:05:00")])
    assert found.run("completed_at") == ("2026-11-20T10:05:00.000000Z",)
    assert found.notes["notes"][1] == (
        "completed_at '2026-11-20T01:00:00' would be 2026-11-20T09:00:00.000000Z, before the start; "
        "the last change stands for it"
    )


@pytest.mark.parametrize(
    ("start", "local", "end"),
    [
        ("2026-11-01 08:10:00", "2026-11-01T01:20:00", "2026-11-01T08:20:00.000000Z"),
        ("2026-11-01 08:40:00", "2026-11-01T01:20:00", "2026-11-01T09:20:00.000000Z"),
    ],
)
def test_in_the_hour_that_comes_twice_the_end_is_the_one_after_the_start(
    become: Become, start: str, local: str, end: str
) -> None:
    found = become([execution("1", status="failed", started_at=start, completed_at=local)])
    assert found.run("completed_at") == (end,)


@pytest.mark.parametrize(
    "text", ["2026-11-20 10:30:00", "2026-11-20T10:30:00Z", "2026-11-20T12:30:00+02:00", " 2026-11-20 10:30 "]
)
def test_an_end_that_says_what_it_means_is_taken_as_it_is(become: Become, text: str) -> None:
    found = become([execution("1", status="failed", completed_at=text)])
    assert found.run("completed_at, extra_data") == ("2026-11-20T10:30:00.000000Z", None)


def test_an_end_that_nobody_wrote_is_that_of_the_last_change(become: Become) -> None:
    found = become([execution("1", status="completed")], [checkpoint("1", "planned", "2026-11-20 10:07:00")])
    assert found.run("status, completed_at") == ("completed", "2026-11-20T10:07:00.000000Z")
    assert found.notes["notes"] == ["the end is not known; the time of the last change stands for it"]


def test_an_end_of_a_run_that_is_not_over_is_only_noted(become: Become) -> None:
    found = become([execution("1", completed_at="2026-11-20T02:30:00")])
    assert found.run("status, completed_at, updated_at") == ("in_progress", None, START)
    assert found.notes["notes"][1] == (
        "completed_at '2026-11-20T02:30:00' was set although the status is in_progress"
    )


def test_a_text_that_is_no_time_is_noted(become: Become) -> None:
    found = become([execution("1", status="failed", completed_at="yesterday")])
    assert found.run("completed_at") == (START,)
    assert found.notes["notes"][0] == "completed_at 'yesterday' is no time"


def test_a_start_that_is_not_known_is_that_of_the_first_checkpoint(become: Become) -> None:
    found = become([execution("1", started_at="?")], [checkpoint("1", "planned", "2026-11-20 10:07:00")])
    assert found.run("started_at") == ("2026-11-20T10:07:00.000000Z",)
    assert found.notes["notes"] == [
        "started_at '?' is no time",
        "the start is not known; the time of the first checkpoint stands for it",
    ]


def test_a_run_without_any_time_goes_to_the_archive_as_it_is(become: Become) -> None:
    found = become([execution("1", started_at="?")], [checkpoint("1", "planned", "??")])
    assert found.all("SELECT id, started_at, archive_reason FROM adw_executions_archive") == [
        ("1", "?", "unrestorable")
    ]
    assert found.all("SELECT created_at, archive_reason FROM adw_checkpoints_archive") == [
        ("??", "unrestorable")
    ]


# -- values


def test_what_has_a_column_of_ours_goes_there_and_the_issue_is_as_it_is_now(become: Become) -> None:
    run = execution(
        *("1", "demo-2"),
        status="failed",
        error_message="a\nb",
        worktree_name="w",
        worktree_path="/w",
        branch_name="b",
    )
    found = become([run])
    assert found.run(
        "issue_id, issue_title, issue_type, issue_priority, workflow, environment, error_message, "
        "worktree_name, worktree_path, branch_name, plan_file, pr_created, pr_url, owner, fence, claimed, "
        "heartbeat_at"
    ) == (
        *("demo-2", "Export as CSV", "feature", 1, "adw_sdlc", "local", "a\nb", "w", "/w", "b"),
        *(None, 0, None, None, 0, 0, None),
    )


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (None, None),
        ("", None),
        ('{"a": 1}', '{"a": 1}'),
        ("[1, 2]", "[1, 2]"),
        ("not json", '{"earlier_implementation": {"extra_data": "not json"}}'),
        ("NaN", '{"earlier_implementation": {"extra_data": "NaN"}}'),
        ("[" * 5000, None),
    ],
    ids=["none", "empty", "object", "list", "text", "nan", "deep"],
)
def test_extra_data_is_kept_as_json(become: Become, raw: str | None, kept: str | None) -> None:
    found = become([execution("1", extra_data=raw)])
    (text,) = found.run("extra_data")
    if raw == "[" * 5000:
        kept = json.dumps({"earlier_implementation": {"extra_data": raw}})
    assert text == kept


def test_extra_data_with_our_key_in_it_is_kept_whole(become: Become) -> None:
    mine = {"earlier_implementation": "x"}
    found = become([execution("1", extra_data=json.dumps(mine), completed_at="?")])
    assert found.notes == {
        "notes": ["completed_at '?' is no time"],
        "extra_data": mine,
    }


def test_columns_that_we_do_not_have_are_kept_in_extra_data(become: Become) -> None:
    tables = """
    CREATE TABLE adw_executions (ID TEXT, issue_id TEXT, phase TEXT, status TEXT, created_at TEXT, tokens INT,
        cost REAL, raw BLOB, empty TEXT, workflow TEXT, pr_created INT, pr_url TEXT, issue_title TEXT);
    CREATE TABLE adw_checkpoints (id TEXT, execution_id TEXT, checkpoint_name TEXT, checkpoint_data TEXT,
        attempt INT);
    """
    run = {
        "ID": "1",
        "issue_id": "demo-1",
        "phase": "plan",
        "status": "pending",
        "tokens": 7,
        "cost": 0.25,
        "created_at": "2026-11-20 10:00:00",
        "raw": b"\x00\xff",
        "workflow": "adw_x",
        "pr_created": 1,
        "pr_url": "https://example.invalid/1",
        "issue_title": "As it was then",
    }
    point = {"id": "c-1", "execution_id": "1", "checkpoint_name": "p", "checkpoint_data": None, "attempt": 3}
    found = become([run], [point], scripts=(RECORD, tables))
    assert found.run("workflow, pr_created, pr_url, issue_title, issue_type, started_at") == (
        *("adw_x", 1, "https://example.invalid/1", "As it was then", "bug", START),
    )
    assert found.all("SELECT seq, phase, checkpoint_data, created_at FROM adw_checkpoints") == [
        (1, "plan", "null", START)
    ]
    assert found.notes == {
        "columns": {"created_at": "2026-11-20 10:00:00", "tokens": 7, "cost": 0.25, "raw": {"hex": "00ff"}},
        "checkpoints": {"1": {"id": "c-1", "attempt": 3}},
        "notes": [
            "the start is not known; created_at stands for it",
            "checkpoint 1 named no phase; the execution's stands there",
            "checkpoint 1 has no readable time: None",
        ],
    }


LOOSE = """
CREATE TABLE adw_executions (id TEXT, issue_id TEXT, phase TEXT, status TEXT, started_at TEXT,
    completed_at TEXT, error_message TEXT, extra_data TEXT);
CREATE TABLE adw_checkpoints (id INTEGER PRIMARY KEY, execution_id TEXT, phase TEXT, checkpoint_name TEXT,
    checkpoint_data TEXT, created_at TEXT);
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [("running", "in_progress"), ("Success", "completed"), ("canceled", "cancelled"), ("error", "failed")],
)
def test_a_status_in_another_spelling_is_understood_and_noted(
    become: Become, written: str, read: str
) -> None:
    found = become([execution("1", status=written)], scripts=(RECORD, LOOSE))
    assert found.run("status") == (read,)
    assert found.notes["notes"][0] == f"the status was written {written!r}"


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "maybe"},
        {"status": None},
        {"phase": "two words"},
        {"phase": None},
        {"id": None},
        {"id": "x" * 201},
        {"id": "two\nlines"},
        {"id": ""},
    ],
)
def test_a_row_that_breaks_our_rules_is_archived_as_it_is(become: Become, columns: dict[str, Any]) -> None:
    run = {**execution("1", error_message="why"), **columns}
    found = become([run], [checkpoint(run["id"], "p", "2026-11-20 10:00:00")], scripts=(RECORD, LOOSE))
    assert found.all(
        "SELECT id, phase, status, error_message, archive_reason FROM adw_executions_archive"
    ) == [(run["id"], run["phase"], run["status"], "why", "unrestorable")]
    reason = "unrestorable" if run["id"] is not None else "orphaned"
    assert found.all("SELECT execution_id, archive_reason FROM adw_checkpoints_archive") == [
        (run["id"], reason)
    ]


def test_of_two_rows_with_one_id_the_first_lives_with_the_checkpoints(become: Become) -> None:
    runs = [execution("1", error_message="first"), execution("1", error_message="second")]
    found = become(runs, [checkpoint("1", "p", "2026-11-20 10:00:00")], scripts=(RECORD, LOOSE))
    assert found.run("error_message") == ("first",)
    assert found.all("SELECT error_message, archive_reason FROM adw_executions_archive") == [
        ("second", "unrestorable")
    ]
    assert found.all("SELECT count(*) FROM adw_checkpoints") == [(1,)]
