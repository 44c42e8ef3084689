"""`adw migrate up` on a database of the earlier implementation, as a user meets it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from adws.tests.migrations.earlier import checkpoint, execution, make_earlier, rows
from adws.tests.project import Project

IN_BERLIN = {"TZ": "Europe/Berlin", "ADW_NOW": "2026-11-23T12:00:00Z"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    make_earlier(
        project.database,
        [
            execution("1a2b3c4d", "bd-42", status="completed", completed_at="2026-11-20T11:30:00.000000"),
            execution("2a2b3c4d", "bd-99", status="failed"),
        ],
        [checkpoint("1a2b3c4d", "planned", "2026-11-20 10:10:00")],
    )
    return project


def test_status_names_it_before_and_changes_nothing(project: Project) -> None:
    before = hashlib.sha256(project.database.read_bytes()).digest()
    shown = project.adw("migrate", "status")
    assert shown.code == 0
    assert shown.out.startswith(
        "An earlier implementation left adw_checkpoints, adw_executions, schema_version, recent_failures, "
        "stale_checkpoints, success_rate_by_type, phase_progression_funnel:\n"
        "  2 executions, 1 checkpoints.\n"
        "  Its views name tables of the tracker, which can keep bd from opening its file.\n"
    )
    shape = project.adw("migrate", "status", "--json").json
    assert shape["previous_tables"]["executions"] == 2
    assert [step["state"] for step in shape["migrations"]] == ["pending"] * len(shape["migrations"])
    assert hashlib.sha256(project.database.read_bytes()).digest() == before


def test_every_other_command_says_what_to_do(project: Project) -> None:
    shown = project.adw("list")
    assert shown.code == 4
    assert "holds the executions of an earlier implementation" in shown.err
    assert "adw migrate up --db" in shown.err


def test_apply_upgrades_it_and_tells_what_became_of_the_rows(project: Project) -> None:
    shown = project.adw("migrate", "up", environ=IN_BERLIN)
    assert (shown.code, shown.err) == (0, "")
    assert "before-upgrade.sqlite3" in shown.out
    assert (
        "Upgraded the tables of an earlier implementation:\n"
        "  executions: 1 live, 1 archived\n"
        "  checkpoints: 1 live, 0 archived\n"
        "  attempts derived: 2\n"
        "  dropped: view recent_failures\n"
    ) in shown.out
    assert rows(project.database, "SELECT id, completed_at FROM adw_executions") == [
        ("1a2b3c4d", "2026-11-20T10:30:00.000000Z")
    ]
    assert project.adw("migrate", "up").out == f"{project.database} is up to date; nothing was changed.\n"
    listed = project.adw("list", "--json").json
    assert [run["id"] for run in listed["executions"]] == ["1a2b3c4d"]
    assert project.adw("health").code == 0


def test_the_json_answer_counts_what_became_of_the_rows(project: Project) -> None:
    shape = project.adw("migrate", "up", "--json", environ=IN_BERLIN).json
    upgrade = shape["upgrade"]
    assert (upgrade["executions"], upgrade["executions_archived"], upgrade["checkpoints"]) == (1, 1, 1)
    assert shape["backup"]["path"].endswith(".before-upgrade.sqlite3")


def test_the_backup_from_before_brings_nothing_back_twice(project: Project) -> None:
    project.adw("migrate", "up", environ=IN_BERLIN)
    before = rows(project.database, "SELECT * FROM adw_checkpoints, adw_executions")
    shown = project.adw("restore", environ=IN_BERLIN)
    assert shown.code == 0, shown.err
    assert rows(project.database, "SELECT * FROM adw_checkpoints, adw_executions") == before


def test_a_run_of_the_earlier_implementation_cannot_be_resumed_and_says_why(project: Project) -> None:
    project.adw("migrate", "up", environ=IN_BERLIN)
    shown = project.adw("resume", "1a2b3c4d")
    assert shown.code != 0
    assert "Traceback" not in shown.err
