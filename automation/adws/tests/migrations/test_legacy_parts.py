"""What checkpoints of the earlier implementation become, and which attempts are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
from adws.tests.migrations.earlier import Became, checkpoint, execution, upgraded

START = "2026-11-20T10:00:00.000000Z"

Become = Callable[..., Became]


@pytest.fixture
def become(tracker_db: Path) -> Become:
    return partial(upgraded, tracker_db)


# -- checkpoints


def test_checkpoints_are_numbered_by_time_and_within_a_second_as_they_were_written(become: Become) -> None:
    points = [
        checkpoint("1", "third", "2026-11-20 10:02:00"),
        checkpoint("1", "first", "2026-11-20 10:01:00", checkpoint_data='{"n":1}'),
        checkpoint("1", "second", "2026-11-20 10:01:00", checkpoint_data='{"n": [1.50, "ü"]}'),
    ]
    found = become([execution("1")], points)
    assert found.all(
        "SELECT seq, phase, attempt, checkpoint_name, checkpoint_data, created_at "
        "FROM adw_checkpoints ORDER BY seq"
    ) == [
        (1, "plan", 1, "first", '{"n":1}', "2026-11-20T10:01:00.000000Z"),
        (2, "plan", 1, "second", '{"n": [1.50, "ü"]}', "2026-11-20T10:01:00.000000Z"),
        (3, "plan", 1, "third", "{}", "2026-11-20T10:02:00.000000Z"),
    ]


def test_checkpoint_data_that_is_not_json_is_kept_as_a_text(become: Become) -> None:
    found = become(
        [execution("1")], [checkpoint("1", "p", "2026-11-20 10:01:00", checkpoint_data="{'a': 1}")]
    )
    assert found.all("SELECT checkpoint_data FROM adw_checkpoints") == [('{"text": "{\'a\': 1}"}',)]
    assert found.notes["notes"] == ["the data of checkpoint 1 is not JSON; it is kept as a text"]


def test_a_phase_of_its_own_comes_behind_those_of_the_built_in_workflow(
    become: Become,
) -> None:
    points = [
        checkpoint("1", "p", "2026-11-20 10:01:00"),
        checkpoint("1", "t", "2026-11-20 10:02:00", "test"),
    ]
    found = become([execution("1")], points)
    assert found.all("SELECT seq, phase FROM adw_checkpoints") == [(1, "plan"), (2, "test")]
    assert found.all("SELECT phases, phase FROM adw_executions") == [
        ('["plan","build","review","test"]', "plan")
    ]


def test_a_checkpoint_of_what_cannot_be_a_phase_is_archived_alone(become: Become) -> None:
    points = [
        checkpoint("1", "p", "2026-11-20 10:01:00"),
        checkpoint("1", "t", "2026-11-20 10:02:00", "unit tests"),
    ]
    found = become([execution("1")], points)
    assert found.all("SELECT seq, checkpoint_name FROM adw_checkpoints") == [(1, "p")]
    assert found.all("SELECT seq, phase, archive_reason FROM adw_checkpoints_archive") == [
        (2, "unit tests", "unrestorable")
    ]


def test_the_newest_checkpoint_is_the_one_written_last(become: Become, clock: SettableClock) -> None:
    points = [
        checkpoint("1", "p", "2026-11-20 10:01:00", checkpoint_data=f'{{"attempt":{n}}}') for n in (1, 2, 3)
    ]
    found = become([execution("1")], points)
    with BeadsStateManager(found.database, clock=clock) as state:
        newest = state.load_checkpoint("1", "plan", "p")
    assert newest is not None
    assert newest.data == {"attempt": 3}


# -- attempts

ATTEMPTS = (
    "SELECT phase, attempt, status, started_at, finished_at, duration_seconds, error_message "
    "FROM adw_phase_attempts ORDER BY phase DESC"
)


@pytest.mark.parametrize(
    ("columns", "attempts"),
    [
        ({"status": "pending"}, []),
        ({"status": "in_progress"}, [("plan", 1, "in_progress", START, None, None, None)]),
        (
            {"status": "failed", "completed_at": "2026-11-20T02:01:00", "error_message": "why"},
            [("plan", 1, "failed", START, "2026-11-20T10:01:00.000000Z", 60.0, "why")],
        ),
        ({"status": "failed"}, [("plan", 1, "failed", START, START, None, None)]),
        ({"status": "cancelled", "completed_at": "2026-11-20T02:01:00"}, []),
        ({"status": "failed", "phase": "review", "completed_at": "2026-11-20T02:01:00"}, []),
        ({"status": "completed", "phase": "review", "completed_at": "2026-11-20T02:01:00"}, []),
    ],
)
def test_an_attempt_is_derived_where_it_is_known_how_it_ended_and_when_it_was_at_work(
    become: Become, columns: dict[str, Any], attempts: list[tuple[Any, ...]]
) -> None:
    assert become([execution("1", **columns)]).all(ATTEMPTS) == attempts


def test_a_phase_that_saved_checkpoints_was_at_work_then_and_completed_if_the_run_went_on(
    become: Become,
) -> None:
    points = [
        checkpoint("1", "p1", "2026-11-20 10:01:00"),
        checkpoint("1", "p2", "2026-11-20 10:03:00"),
        checkpoint("1", "b1", "2026-11-20 10:05:00", "build"),
    ]
    run = execution(
        "1", status="failed", phase="build", completed_at="2026-11-20T02:09:00", error_message="x"
    )
    assert become([run], points).all(ATTEMPTS) == [
        ("plan", 1, "completed", START, "2026-11-20T10:03:00.000000Z", None, None),
        ("build", 1, "failed", "2026-11-20T10:05:00.000000Z", "2026-11-20T10:09:00.000000Z", None, "x"),
    ]
