"""Whatever rows the earlier implementation left, each is found again, and our tables stay sound."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW
from adws.tests.migrations.earlier import RECORD, VIEWS, Row, apply, make_earlier, rows

# Its tables without its checks, as a variant might have them.
LOOSE = """
CREATE TABLE adw_executions (id TEXT, issue_id TEXT, phase TEXT, status TEXT, started_at TEXT,
    completed_at TEXT, error_message TEXT, extra_data TEXT, more TEXT);
CREATE TABLE adw_checkpoints (id INTEGER PRIMARY KEY, execution_id TEXT, phase TEXT, checkpoint_name TEXT,
    checkpoint_data TEXT, created_at TEXT);
"""

_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_ids = st.sampled_from(["1a2b3c4d", "2", "three words", "--prompt", "ü", "", None])
_times = st.one_of(
    st.none(),
    st.sampled_from(["", "soon", "2026-11-20T10:00:00.5", "2026-11-20 10:00:00", "0001-01-01T00:00:00"]),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
)
_phases = st.sampled_from(["plan", "build", "review", "adw_plan", "test", "", None])
_json = st.one_of(st.none(), _words, st.sampled_from(['{"a": 1}', "[]", "null", "NaN", '"\\ud800"', "{"]))
_executions = st.fixed_dictionaries(
    {
        "id": _ids,
        "issue_id": st.sampled_from(["demo-1", "demo-2", "demo-99", "", None]),
        "phase": _phases,
        "status": st.sampled_from(["pending", "in_progress", "completed", "failed", "cancelled", "?", None]),
        "started_at": _times,
        "completed_at": _times,
        "error_message": st.none() | _words,
        "extra_data": _json,
        "more": st.none() | _words | st.floats() | st.binary(max_size=4),
    }
)
_checkpoints = st.fixed_dictionaries(
    {
        "execution_id": _ids,
        "phase": _phases,
        "checkpoint_name": st.none() | _words,
        "checkpoint_data": _json,
        "created_at": _times,
    }
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_executions, max_size=10), st.lists(_checkpoints, max_size=12))
def test_every_row_is_found_again_live_or_archived(
    tracker_template: Path, executions: list[Row], checkpoints: list[Row]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / ".beads" / "beads.db"
        database.parent.mkdir()
        shutil.copyfile(tracker_template, database)
        make_earlier(database, executions, checkpoints, scripts=(RECORD, LOOSE, VIEWS))
        done = apply(database).upgrade
        assert done is not None
        _assert_all_there(database, executions, checkpoints)
        _assert_sound(database)
        _assert_readable(database)


def _assert_all_there(database: Path, executions: list[Row], checkpoints: list[Row]) -> None:
    kept = rows(
        database,
        "SELECT id, error_message FROM adw_executions UNION ALL "
        "SELECT id, error_message FROM adw_executions_archive",
    )
    assert _sorted(kept) == _sorted((row["id"], row["error_message"]) for row in executions)
    kept = rows(
        database,
        "SELECT execution_id, checkpoint_name FROM adw_checkpoints UNION ALL "
        "SELECT execution_id, checkpoint_name FROM adw_checkpoints_archive",
    )
    assert _sorted(kept) == _sorted((row["execution_id"], row["checkpoint_name"]) for row in checkpoints)


def _sorted(found: Any) -> list[tuple[Any, ...]]:
    return sorted(found, key=repr)


def _assert_sound(database: Path) -> None:
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(database, "PRAGMA foreign_key_check") == []
    wrong = "SELECT count(*) FROM adw_executions WHERE completed_at < started_at OR updated_at < started_at"
    assert rows(database, wrong) == [(0,)]
    orphans = (
        "SELECT count(*) FROM adw_executions_archive WHERE archive_reason = 'orphaned' "
        "AND issue_id IN (SELECT id FROM issues)"
    )
    assert rows(database, orphans) == [(0,)]


def _assert_readable(database: Path) -> None:
    with BeadsStateManager(database, clock=SettableClock(NOW)) as state:
        for run in state.list_executions():
            points = state.list_checkpoints(run.id)
            assert [point.created_at for point in points] == sorted(point.created_at for point in points)
            assert all(attempt.status for attempt in state.list_attempts(run.id))
