"""`adw config check`: everything that is wrong in the configuration, offline, with file and line."""

from __future__ import annotations

from pathlib import Path

from adws.tests.project import Project


def test_it_says_that_all_is_right_and_what_each_workflow_does(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    with (project.folder / "adw.toml").open("a") as file:
        file.write('workflow = "tested"\n[workflows.tested]\nphases = ["plan", "build", "test"]\n')
        file.write('[phases.test]\nrun = "make test"\nsends_back_to = "build"\nat_most = 3\n')
        file.write('[phases.review]\nagent = "codex"\nmodel = "gpt-5.5"\n')
    checked = project.adw("config", "check")

    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines() == [
        f"{project.folder}/adw.toml is right.",
        "adw_sdlc: plan, build, review (by codex, model gpt-5.5)",
        "tested (default): plan, build, test (back to build, at most 3 times)",
    ]


def test_it_tells_of_settings_variables_and_workflows_at_once_and_exits_with_2(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    (project.folder / "adw.toml").write_text(
        'agnet = "x"\nworkflow = "gone"\n\n[workflows.w]\nphases = ["plan", "tset"]\n\n'
        '[phases.test]\nrun = "x"\n'
    )
    checked = project.adw("config", "check", environ={"ADW_STALE_HOURS": "soon"})

    file = f"{project.folder}/adw.toml"
    assert checked.code == 2
    assert [line for line in checked.out.splitlines() if "What to do" not in line] == [
        f"{file}:1: 'agnet' is not a setting",
        "ADW_STALE_HOURS must be a positive number, not 'soon'",
        f"{file}:5: workflows.w: nothing defines the phase 'tset'",
        f"{file}:2: there is no workflow 'gone'",
    ]
    assert "  What to do: did you mean agent? " in checked.out


def test_its_json_has_each_fault_with_its_line(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    (project.folder / "adw.toml").write_text('[phases.test]\nrun = "x"\nkind = "plan"\n')
    checked = project.adw("config", "check", "--json")

    assert checked.code == 2
    assert checked.json["schema"] == "adw.config/1"
    assert checked.json["default"] == "adw_sdlc"
    assert checked.json["faults"] == [
        {
            "file": f"{project.folder}/adw.toml",
            "line": 2,
            "error": f"{project.folder}/adw.toml:2: phases.test: a plan phase runs no command",
            "hint": "leave out kind, or run",
        }
    ]
    assert [flow["name"] for flow in checked.json["workflows"]] == ["adw_sdlc"]


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    (project.folder / "adw.toml").write_text('agent = "scripted"\nworkflow = \n')
    checked = project.adw("config", "check")

    assert checked.code == 2
    assert checked.err.splitlines()[0] == (
        f"Error: {project.folder}/adw.toml cannot be read: Invalid value (at line 2, column 12)"
    )


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    (project.folder / "adw.toml").unlink()
    checked = project.adw("config", "check")

    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines() == [
        f"There is no {project.folder}/adw.toml; the defaults hold.",
        "adw_sdlc (default): plan, build, review",
    ]
