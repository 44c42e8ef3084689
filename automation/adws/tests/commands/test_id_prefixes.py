"""Wherever the id of an execution is taken, its beginning will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from adws.tests.project import Project, Ran

SCRIPTS = Path(__file__).resolve().parents[2] / "adw_phases"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    assert made.adw("init").code == 0
    return made


def script(project: Project, phase: str, *words: str, **environ: str) -> Ran:
    return project.run(["python", str(SCRIPTS / f"adw_{phase}.py"), *words], environ=environ)


def test_show_checkpoints_and_resume_take_the_beginning(project: Project) -> None:
    project.adw("run", "bd-42", "--until", "plan", "--adw-id", "first-run")
    project.adw("run", "bd-43", "--until", "plan", "--adw-id", "second-run")

    assert project.adw("show", "fi", "--json").json["execution"]["id"] == "first-run"
    assert project.adw("checkpoints", "fi", "--json").json["execution_id"] == "first-run"
    ended = project.adw("resume", "sec", "--json")

    assert ended.code == 0
    assert ended.json["execution"]["id"] == "second-run"
    assert project.adw("list", "--status", "completed", "--json").json["executions"][0]["id"] == "second-run"


@pytest.mark.parametrize("words", [["show", "run"], ["checkpoints", "run"], ["resume", "run"]])
def test_an_ambiguous_beginning_is_refused_with_the_matches(words: list[str], project: Project) -> None:
    project.adw("run", "bd-42", "--until", "plan", "--adw-id", "run-a")
    project.adw("run", "bd-43", "--until", "plan", "--adw-id", "run-b")

    ran = project.adw(*words)

    assert ran.code == 2
    assert ran.err == (
        "Error: 'run' is the beginning of more than one execution id: run-a, run-b\n"
        "  What to do: write more of the id\n"
    )


@pytest.mark.parametrize("store", ["true", "false"])
def test_the_phase_scripts_and_resume_take_it_from_either_store(store: str, project: Project) -> None:
    environ = {"ADW_USE_BEADS_STATE": store}
    assert script(project, "plan", "bd-42", "first-run", **environ).code == 0

    assert script(project, "build", "bd-42", "first", **environ).code == 0
    assert script(project, "build", "bd-42", "other", **environ).code == 3
    assert project.adw("resume", "first", environ=environ).code == 0

    states = [path.name for path in (project.folder / ".adw" / "agents").glob("[!.]*")]
    assert states == ["first-run"]


def test_a_plan_begins_the_execution_that_it_is_told_although_a_longer_id_begins_so(
    project: Project,
) -> None:
    assert script(project, "plan", "bd-42", "run-10").code == 0

    assert script(project, "plan", "bd-43", "run-1").code == 0
    again = script(project, "plan", "bd-42", "run-10")

    found = project.adw("list", "--json").json["executions"]
    assert {run["id"]: run["issue_id"] for run in found} == {"run-1": "bd-43", "run-10": "bd-42"}
    assert "has completed already" in again.out


def test_a_plan_that_is_open_is_gone_on_with_by_the_beginning_of_its_id(project: Project) -> None:
    assert script(project, "plan", "bd-42", "first-run").code == 0

    again = script(project, "plan", "bd-42", "first")

    assert again.code == 0
    assert "has completed already" in again.out
    assert len(project.adw("list", "--json").json["executions"]) == 1
