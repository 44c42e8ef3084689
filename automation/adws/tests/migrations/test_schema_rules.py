"""Rules that the schema keeps in somebody else's database, seen in the database itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW
from adws.tests.migrations.databases import run_sql

# What bd and br ever had (tables, views); none of our stored objects may name one.
_TRACKERS = {
    *("issues", "dependencies", "labels", "comments", "events", "config", "metadata", "dirty_issues"),
    *("export_hashes", "issue_counters", "child_counters", "issue_snapshots", "compaction_snapshots"),
    *(
        "repo_mtimes",
        "blocked_issues_cache",
        "issues_new",
        "dependencies_new",
        "ready_issues",
        "blocked_issues",
    ),
}


@pytest.fixture
def ours(beads_db: Path, tracker_db: Path) -> list[sqlite3.Row]:
    """What we store in a tracker's database: its objects less the tracker's own."""
    with closing(sqlite3.connect(tracker_db)) as connection:
        theirs = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return [row for row in rows if row["name"] not in theirs and row["sql"] is not None]


def _code(text: str) -> str:
    return re.sub(r"'[^']*'", "''", re.sub(r"--[^\n]*", "", text))


def test_no_stored_object_names_a_table_of_the_tracker_but_for_the_one_foreign_key(
    ours: list[sqlite3.Row],
) -> None:
    named = {
        row["name"]: found
        for row in ours
        if (found := _TRACKERS & set(re.findall(r"\w+", _code(row["sql"]).lower())))
    }
    assert named == {"adw_executions": {"issues"}}
    (table,) = (row["sql"] for row in ours if row["name"] == "adw_executions")
    assert re.findall(r"[^\n]*\bissues\b[^\n]*", _code(table)) == [
        "    FOREIGN KEY (issue_id) REFERENCES issues (id) ON DELETE CASCADE ON UPDATE CASCADE, "
    ]


def test_every_object_is_ours_and_stands_on_a_table_of_ours(ours: list[sqlite3.Row]) -> None:
    kept = {"schema_version", "recent_failures", "stale_checkpoints", "success_rate_by_type"}
    for row in ours:
        assert row["tbl_name"].startswith("adw_") or row["tbl_name"] in kept, row["name"]
        if row["type"] in ("table", "view", "trigger"):
            assert row["name"].startswith("adw_") or row["name"] in kept


def test_stored_sql_is_plain(ours: list[sqlite3.Row]) -> None:
    """bd compiles SQLite without double-quoted texts; old shells do not know newer kinds of tables."""
    for row in ours:
        code = _code(row["sql"])
        assert '"' not in code, row["name"]
        assert not re.search(r"\b(STRICT|WITHOUT\s+ROWID|GENERATED|COLLATE|CURRENT_\w+|RAISE)\b", code, re.I)
        # The comments are stored too, where they stand within a statement.
        assert '"' not in row["sql"], row["name"]


def test_nothing_but_built_in_functions_is_stored(ours: list[sqlite3.Row]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        built_in = {
            row[0]
            for row in connection.execute("SELECT DISTINCT name FROM pragma_function_list WHERE builtin")
        }
    words = {
        "in",
        "check",
        "values",
        "key",
        "references",
        "filter",
        "and",
        "from",
        "as",
        "by",
        "on",
        "exists",
        "or",
        "primary",
    }
    for row in ours:
        called = {name.lower() for name in re.findall(r"\b([a-z_]+)\s*\((?=[^)])", _code(row["sql"]), re.I)}
        tables = {name for name in called if name.startswith(("adw_", "schema_version", "issues"))}
        assert called - tables - words <= built_in, row["name"]


def test_the_indexes_that_users_were_promised_are_there(ours: list[sqlite3.Row]) -> None:
    indexes = {row["name"]: row["tbl_name"] for row in ours if row["type"] == "index"}
    assert {
        "idx_executions_issue": "adw_executions",
        "idx_executions_status": "adw_executions",
        "idx_executions_phase": "adw_executions",
        "idx_checkpoints_execution": "adw_checkpoints",
    }.items() <= indexes.items()


def test_no_column_of_the_tracker_was_touched(beads_db: Path, tracker_db: Path) -> None:
    def theirs(path: Path) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master"
                " WHERE tbl_name NOT LIKE 'adw_%' AND tbl_name NOT IN ('schema_version',"
                " 'recent_failures', 'stale_checkpoints', 'success_rate_by_type') ORDER BY name"
            ).fetchall()

    assert theirs(beads_db) == theirs(tracker_db)
    assert len(theirs(tracker_db)) > 10


_TIMES = {
    "adw_executions": ("started_at", "updated_at", "completed_at", "heartbeat_at"),
    "adw_phase_attempts": ("started_at", "finished_at"),
    "adw_checkpoints": ("created_at",),
    "schema_version": ("applied_at",),
}


@pytest.fixture(scope="module")
def with_rows(
    tmp_path_factory: pytest.TempPathFactory, sidecar_template: Path
) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("times") / "state.sqlite3"
    path.write_bytes(sidecar_template.read_bytes())
    with BeadsStateManager(path, clock=SettableClock(NOW)) as state:
        run = state.create_execution("proj-7", first_checkpoint=("x", 1), owner="h:1:x:y")
        state.finish_attempt(state.start_attempt(run.id, "plan"), "completed")
        state.update_execution_status(run.id, "completed")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(
    "column", [f"{table}.{column}" for table, columns in _TIMES.items() for column in columns]
)
@pytest.mark.parametrize(
    "wrong",
    [
        "2026-11-23 12:00:00",
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00.000000",
        "2026-11-23T12:00:00.000000+00:00",
        "2026-11-23T12:00:00.000Z",
        "2026-11-23T12:00:00.000000000Z",
        "2026-11-23 12:00:00.000000Z",
        "23.11.2026",
        "",
        1795435200,
    ],
)
def test_a_time_of_another_shape_is_refused_by_the_schema(
    with_rows: sqlite3.Connection, column: str, wrong: object
) -> None:
    table, name = column.split(".")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
        with_rows.execute(f"UPDATE {table} SET {name} = ?", (wrong,))


@pytest.mark.parametrize(
    "column", [f"{table}.{column}" for table, columns in _TIMES.items() for column in columns]
)
def test_a_time_of_our_shape_is_taken(with_rows: sqlite3.Connection, column: str) -> None:
    table, name = column.split(".")
    changed = with_rows.execute(f"UPDATE {table} SET {name} = '0001-01-01T00:00:00.000000Z'").rowcount
    assert changed >= 1


def test_every_column_that_is_called_a_time_is_checked(ours: list[sqlite3.Row]) -> None:
    for row in ours:
        if (
            row["type"] == "table"
            and not row["name"].endswith("_archive")
            and row["name"] != "adw_archive_requests"
        ):
            for column in re.findall(r"^\s+(\w+_at)\b(.*)$", _code(row["sql"]), re.M):
                assert f"CHECK ({column[0]} LIKE" in column[1], (row["name"], column[0])


def test_the_shells_own_questions_are_answered(beads_db: Path) -> None:
    """The commands that the documents promise, as a person with a shell types them."""
    with BeadsStateManager(beads_db) as state:
        state.create_execution("demo-1", first_checkpoint=("x", 1))
    run_sql(
        beads_db,
        "SELECT * FROM adw_executions LIMIT 10;",
        "SELECT * FROM adw_checkpoints LIMIT 10;",
        "SELECT * FROM recent_failures;",
        "SELECT * FROM stale_checkpoints;",
        "SELECT * FROM success_rate_by_type;",
    )
