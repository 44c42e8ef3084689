"""`adw diff` and `adw clean`, as a user types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adws.tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which run-1 has completed on bd-42."""
    made = Project(tmp_path / "shop")
    assert made.adw("init").code == 0
    assert made.adw("run", "bd-42", "--agent", "scripted", "--adw-id", "run-1").code == 0
    return made


def test_diff_shows_what_the_run_committed(project: Project) -> None:
    shown = project.adw("diff", "run-1")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == project.git("diff", "main", "adw/bd-42-run-1")


def test_a_diff_goes_into_a_file_byte_for_byte_and_git_applies_it(project: Project) -> None:
    agent = project.folder.parent / "agent.sh"
    agent.write_text(
        "#!/bin/sh\ncat > /dev/null\nprintf 'caf\\351 \\033[31m\\n' > specs.txt; mkdir -p specs\n"
        "echo plan > specs/bd-43-plan.md\n"
    )
    agent.chmod(0o755)
    project.adw("run", "bd-43", "--adw-id", "run-2", "--agent", str(agent), "--until", "build")
    command = [sys.executable, "-m", "adw_state.cli", "diff", "run-2"]
    shown = subprocess.run(command, cwd=project.folder, capture_output=True).stdout
    assert b"+caf\xe9 \x1b[31m\n" in shown
    patch = project.folder.parent / "run-2.patch"
    patch.write_bytes(shown)
    project.git("apply", str(patch))
    assert (project.folder / "specs.txt").read_bytes() == b"caf\xe9 \x1b[31m\n"


def test_diff_as_json_names_the_commits_and_the_files(project: Project) -> None:
    shown = project.adw("diff", "run-1", "--json").json
    assert shown == {
        "schema": "adw.diff/1",
        "execution_id": "run-1",
        "base": project.git("rev-parse", "main").strip(),
        "tip": project.git("rev-parse", "adw/bd-42-run-1").strip(),
        "files": ["CHANGES.md", "specs/bd-42-plan.md", "src/bd_42_run_1.py"],
    }


def test_diff_of_a_run_that_is_not_there_says_so(project: Project) -> None:
    assert project.adw("diff", "run-2").code == 3


def test_clean_says_why_something_stays_and_ends_with_0_where_no_run_was_named(project: Project) -> None:
    cleaned = project.adw("clean", "--json")
    assert cleaned.code == 0
    (one,) = cleaned.json["runs"]
    assert (one["execution_id"], one["stays_because"]) == ("run-1", "its commits are not merged")
    assert project.adw("clean", "run-1").code == 1


def test_clean_removes_what_is_merged_and_the_diff_stays_with_force(project: Project) -> None:
    before = project.adw("diff", "run-1").out
    cleaned = project.adw("clean", "run-1", "--force")
    assert cleaned.code == 0
    assert "What run-1 had not committed or merged is kept in refs/adw/kept/bd-42-run-1" in cleaned.out
    assert project.adw("diff", "run-1").out == before
    assert project.adw("clean").out == "No run that is over has a worktree or a branch.\n"
