"""`adw phase` does one phase of an execution, as the three scripts do."""

from __future__ import annotations

from pathlib import Path

import pytest

from adws.tests.project import Project

SCRIPTS = Path(__file__).resolve().parents[2] / "adw_phases"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    assert made.adw("init").code == 0
    return made


def test_three_phases_complete_an_execution(project: Project) -> None:
    planned = project.adw("phase", "plan", "bd-42", "run-1", "--json")
    assert (planned.code, planned.json["execution"]["phase"]) == (0, "plan")

    assert project.adw("phase", "build", "bd-42").code == 0
    reviewed = project.adw("phase", "review", "bd-42", "run-1", "--json")

    assert (reviewed.code, reviewed.json["status"]) == (0, "completed")
    assert reviewed.json["execution"]["id"] == "run-1"


def test_it_goes_on_with_what_a_script_began(project: Project) -> None:
    assert project.run(["python", str(SCRIPTS / "adw_plan.py"), "bd-42", "run-1"]).code == 0
    assert project.adw("phase", "build", "bd-42", "--json").json["execution"]["id"] == "run-1"


def test_a_phase_that_is_none_is_wrong_usage(project: Project) -> None:
    ran = project.adw("phase", "ship", "bd-42")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "Error: the workflow adw_sdlc has no phase 'ship'",
        "  What to do: its phases are plan, build, review",
    ]


@pytest.mark.parametrize("phase", ["plan", "build", "review"])
def test_a_script_takes_the_words_of_the_command_without_the_name(phase: str, project: Project) -> None:
    script = project.run(["python", str(SCRIPTS / f"adw_{phase}.py"), "--help"]).out
    command = project.adw("phase", "--help").out
    assert f"adw_{phase}.py [OPTIONS] ISSUE [ADW_ID]" in " ".join(script.split())
    assert _options(script) == _options(command)


def _options(help_text: str) -> str:
    """The options in a help text, up to the last of ours."""
    return help_text.partition("Options:")[2].partition("--json")[0]
