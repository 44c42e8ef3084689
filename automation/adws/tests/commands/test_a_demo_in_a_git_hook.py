"""`adw demo` where git has set its variables: it makes a repository of its own and touches no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from adws.tests.project import Project


def test_the_repository_whose_variables_are_set_keeps_branch_index_and_settings(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    linked = tmp_path / "linked"
    project.git("worktree", "add", "--quiet", str(linked), "-b", "topic")
    git_dir = project.git("-C", str(linked), "rev-parse", "--absolute-git-dir").strip()

    def state() -> list[str]:
        return [
            project.git("for-each-ref"),
            project.git("config", "--list", "--local"),
            project.git("-C", str(linked), "status", "--porcelain"),
            project.git("-C", str(linked), "ls-files", "--stage"),
        ]

    before = state()
    variables = {
        "GIT_DIR": git_dir,
        "GIT_INDEX_FILE": f"{git_dir}/index",
        "GIT_WORK_TREE": str(linked),
        "GIT_PREFIX": "",
        "GIT_AUTHOR_NAME": "",
        "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
    }
    ran = project.adw("demo", "--into", str(tmp_path / "demo"), environ=variables, cwd=linked)
    assert ran.code == 0, ran.err
    assert state() == before


@pytest.mark.parametrize("setting", ["core.hooksPath", "init.templateDir"])
def test_hooks_of_the_user_do_not_run_in_the_demo(tmp_path: Path, setting: str) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("pre-commit", "post-commit", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\necho ran >> '{tmp_path}/ran'\n")
        (hooks / name).chmod(0o755)
    place = hooks if setting == "core.hooksPath" else hooks.parent
    config = tmp_path / "gitconfig"
    project.git("config", "--file", str(config), setting, str(place))
    environ = {"GIT_CONFIG_GLOBAL": str(config)}
    assert project.adw("demo", "--into", str(tmp_path / "demo"), environ=environ).code == 0
    assert not (tmp_path / "ran").exists()


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", tracker=False)
    place = tmp_path / "shop" / "adw.toml" / "demo"
    ran = project.adw("demo", "--into", str(place))
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            f"Error: no folder can be made in {place}: Not a directory",
            "  What to do: name a folder that you may write to: `adw demo --into DIRECTORY`",
        ],
    )
