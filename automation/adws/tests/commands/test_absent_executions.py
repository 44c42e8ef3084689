"""An execution that is not in the live tables: archived, kept in JSON only, or never there."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.json_state import ADWState
from adws.tests.project import Project, Ran

WORDS = (["show"], ["checkpoints"], ["resume"])


@pytest.fixture(params=[True, False], ids=["beside issues", "in a sidecar"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project with a completed run, run-1, and one that waits after its plan, run-2."""
    made = Project(tmp_path / "project", tracker=request.param)
    about = () if request.param else ("--title", "A task", "--type", "task")
    assert made.adw("init").code == 0
    assert made.adw("run", "bd-42", *about, "--adw-id", "run-1").code == 0
    assert made.adw("run", "bd-43", *about, "--adw-id", "run-2", "--until", "plan").code == 0
    return made


def database(project: Project) -> Path:
    return Path(project.adw("where", "--json").json["database"])


def change(project: Project, statement: str) -> None:
    with closing(sqlite3.connect(database(project), isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(statement)


def refusals(project: Project, execution_id: str) -> set[tuple[str, str | None]]:
    """What each command says of the execution, and what it advises."""
    ran: list[Ran] = [project.adw(*words, execution_id, "--json") for words in WORDS]
    assert [one.code for one in ran] == [3, 3, 3]
    return {(one.json["error"], one.json["hint"]) for one in ran}


def test_what_retention_archived_is_said_to_be_archived(project: Project) -> None:
    assert project.adw("archive", "--days", "0").code == 0
    assert refusals(project, "run-1") == {
        (
            f"execution run-1 was archived on {_archived_on(project)}, because it had ended long before;"
            " its rows are in the tables adw_*_archive",
            "start a new run on issue bd-42 with `adw run`",
        )
    }


def test_what_went_with_its_issue_says_so_and_comes_back_with_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    assert project.adw("init").code == 0
    assert project.adw("run", "bd-43", "--adw-id", "run-2", "--until", "plan").code == 0
    with closing(sqlite3.connect(project.database)) as connection:
        (issue,) = connection.execute("SELECT * FROM issues WHERE id = 'bd-43'").fetchall()
    change(project, "DELETE FROM issues WHERE id = 'bd-43'")

    assert refusals(project, "run-2") == {
        (
            f"execution run-2 was archived on {_archived_on(project)}, when its issue was deleted;"
            " its rows are in the tables adw_*_archive",
            "bring issue bd-43 back in the tracker; then `adw status` finds its runs again",
        )
    }
    marks = ", ".join("?" for _ in issue)
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute(f"INSERT INTO issues VALUES ({marks})", issue)
    assert project.adw("status").code == 0
    assert project.adw("resume", "run-2").code == 0


def test_what_was_deleted_by_hand_from_a_sidecar_comes_back_as_advised(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    about = ("--title", "A task", "--type", "task")
    assert project.adw("run", "x-1", *about, "--adw-id", "run-1", "--until", "plan").code == 0
    change(project, "DELETE FROM adw_executions")

    ((error, hint),) = refusals(project, "run-1")
    assert error.startswith("execution run-1 was archived on ")
    assert ", when it was deleted; " in error
    assert hint == "`adw restore` brings it back, or start a new run on issue x-1 with `adw run`"
    assert project.adw("restore").code == 0
    assert project.adw("resume", "run-1").code == 0


def test_what_is_kept_in_json_only_is_named_with_its_file_and_comes_back_as_advised(project: Project) -> None:
    file = database(project)
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()
    if file.name == "beads.db":
        fresh = Project(project.folder.parent / "fresh")
        shutil.copyfile(fresh.database, file)
    assert project.adw("init").code == 0

    for words in WORDS[:2]:
        ran = project.adw(*words, "run-1", "--json")
        assert ran.code == 3
        assert ran.json["error"] == (
            f"execution run-1 is kept in JSON only, in {ADWState('run-1', project.folder).path}"
        )
        assert ran.json["hint"] == "`adw restore` brings it into the database"
    assert project.adw("restore").code == 0
    assert project.adw("show", "run-1").code == 0


def test_what_never_was_is_said_not_to_be_there(project: Project) -> None:
    assert refusals(project, "nobody") == {
        ("there is no execution 'nobody'", "`adw list` shows the executions")
    }


def _archived_on(project: Project) -> str:
    with closing(sqlite3.connect(database(project))) as connection:
        (row,) = connection.execute("SELECT substr(archived_at, 1, 10) FROM adw_executions_archive")
    return str(row[0])
