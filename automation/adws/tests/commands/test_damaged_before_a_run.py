"""A tracker's database that is damaged before a run begins: the run goes on, and what to do is said."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adws.tests.project import Project

EXPORTED = {"id": "bd-43", "title": "From the export", "issue_type": "feature", "priority": 2}


def _replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, 5000),
    "no database": lambda path: path.write_bytes(b"no database " * 1000),
    "folder": _replaced_by(Path.mkdir),
    "pipe": _replaced_by(os.mkfifo),
    "link to itself": _replaced_by(lambda path: path.symlink_to(path)),
    "link to nowhere": _replaced_by(lambda path: path.symlink_to("nowhere.db")),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    assert made.adw("init").code == 0
    return made


def repair(project: Project, content: bytes) -> None:
    """Put the database back as it was."""
    if project.database.is_dir():
        project.database.rmdir()
    project.database.unlink(missing_ok=True)
    project.database.write_bytes(content)


def warnings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("warning: ")]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_stops_no_run_and_the_run_comes_in_by_itself(
    project: Project, damage: str
) -> None:
    sound = project.database.read_bytes()
    DAMAGES[damage](project.database)

    begun = project.adw("run", "bd-42", "--title", "T", "--adw-id", "first", "--until", "plan")
    resumed = project.adw("resume", "first")
    repair(project, sound)

    assert (begun.code, resumed.code) == (0, 0), begun.err + resumed.err
    for done in (begun, resumed):
        (warning,) = warnings(done.err)
        assert warning.startswith("warning: this run is kept in JSON only, because ")
        assert warning.endswith("the run comes in by itself")
    (run,) = project.adw("list", "--json").json["executions"]
    assert (run["id"], run["status"], run["phase"]) == ("first", "completed", "review")


@pytest.mark.parametrize("damage", ["missing", *DAMAGES])
def test_the_issue_is_read_from_the_export_of_a_damaged_database(project: Project, damage: str) -> None:
    export = project.database.with_name("issues.jsonl")
    export.write_text(json.dumps(EXPORTED) + "\n", encoding="utf-8")
    DAMAGES.get(damage, Path.unlink)(project.database)

    done = project.adw("run", "bd-43", "--until", "plan", "--json")

    assert done.code == 0, done.err
    assert done.json["execution"]["issue_title"] == "From the export"
    of_issue, of_run = warnings(done.err)
    assert of_issue.startswith(
        f"warning: issue bd-43 was read from {export}, which may be out of date, because "
    )
    assert of_run.startswith("warning: this run is kept in JSON only, because ")


def test_a_named_file_that_is_damaged_is_refused(project: Project, tmp_path: Path) -> None:
    named = tmp_path / "named.db"
    named.touch()

    done = project.adw("run", "bd-42", "--title", "T", "--db", str(named))

    assert done.code == 4
    assert done.err.startswith(f"Error: {named} is empty\n")
    assert project.adw("list", "--json").json["executions"] == []
