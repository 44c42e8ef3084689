from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.commands.listing import COMMANDS
from adw_state.schema import migration_files, shape
from adw_state.state import BeadsStateManager, IssueSnapshot
from adws.tests.docs.pages import REPOSITORY, Block, blocks
from adws.tests.project import Project

SCHEMA_PAGE = REPOSITORY / "docs" / "beads-database-schema.md"


@pytest.fixture
def filled(beads_db: Path) -> Path:
    """A tracker's database with a failed run of demo-1, and one that waits."""
    with BeadsStateManager(beads_db) as state:
        run = state.create_execution("demo-1", adw_id="doc-run", first_checkpoint=("started", {}))
        attempt = state.start_attempt(run.id, "plan")
        state.finish_attempt(attempt, "failed", error_message="no")
        state.update_execution_status(run.id, "failed", error_message="no")
        asked = state.create_execution("demo-1", adw_id="doc-asked")
        state.update_execution_status(asked.id, "waiting", waiting_for="person")
    return beads_db


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_every_sql_example_runs_and_answers(block: Block, filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        for statement in block.text.split(";")[:-1]:
            rows = connection.execute(statement, {"execution_id": "doc-run", "issue_id": "demo-1"}).fetchall()
            stale = "stale_checkpoints" in statement
            assert bool(rows) is not stale, statement


@pytest.mark.parametrize("block", blocks("sql beads"), ids=str)
def test_an_example_that_joins_issues_leaves_out_the_issue_that_was_run(block: Block, filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        rows = connection.execute(block.text).fetchall()

    assert [row[0] for row in rows] == ["demo-2", "demo-4", "demo-3", "demo-5"]


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_every_python_example_runs(block: Block, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    assert project.adw("init").code == 0

    ran = project.run(["python", "-c", block.text])

    assert (ran.code, ran.err) == (0, "")
    assert project.adw("list", "--json").json["executions"][0]["status"] == "completed"


def test_the_schema_page_names_every_object_and_column_that_the_migrations_make() -> None:
    page = SCHEMA_PAGE.read_text(encoding="utf-8")
    objects = shape.expected(migration_files.known(), migration_files.Layout.SHARED_FILE)
    unnamed = [name for name, found in objects.items() if found.kind != "trigger" and name not in page]

    assert unnamed == []


def test_the_schema_page_names_every_column(beads_db: Path) -> None:
    page = SCHEMA_PAGE.read_text(encoding="utf-8")
    with closing(sqlite3.connect(beads_db)) as connection:
        columns = {
            column[1]
            for table in ("adw_executions", "adw_phase_attempts", "adw_checkpoints", "schema_version",
                          "recent_failures", "stale_checkpoints", "success_rate_by_type")
            for column in connection.execute(f"PRAGMA table_info({table})")
        }  # fmt: skip

    assert [column for column in sorted(columns) if column not in page] == []


def test_the_reference_page_names_every_command() -> None:
    page = (REPOSITORY / "automation" / "adws" / "README.md").read_text(encoding="utf-8")

    assert [name for name in COMMANDS if f"`adw {name}" not in page] == []


def test_a_snapshot_may_be_given_where_there_is_no_tracker(state: BeadsStateManager) -> None:
    run = state.create_execution("any-1", issue=IssueSnapshot("A title", "bug", 1))

    assert (run.issue_title, run.issue_type, run.issue_priority) == ("A title", "bug", 1)
