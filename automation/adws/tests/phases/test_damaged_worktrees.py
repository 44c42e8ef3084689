"""Agents that damage their own worktree: the user's checkout is never touched, and the work is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adw_state.errors import RepositoryError
from adws.tests.phases.projects import Project, git, worktree_for

DAMAGES = {
    "removed": "rm -f .git",
    "made a repository": "rm -f .git; git init -q -b agent",
    "made a repository with commits": "rm -f .git; git init -q; git add -A; git commit -qm agent",
    "moved": "mv .git elsewhere",
    "linked to the user's": 'common=$(git rev-parse --git-common-dir); rm -f .git; ln -s "$common" .git',
    "names the user's": 'common=$(git rev-parse --git-common-dir); echo "gitdir: $common" > .git',
    "emptied": ": > .git",
}


@pytest.fixture
def untouched(project: Project) -> Iterator[None]:
    """The user's checkout is after the test what it was before."""

    def state() -> list[str]:
        return [
            project.git("symbolic-ref", "HEAD"),
            project.git("rev-parse", "HEAD"),
            project.git("ls-files", "--stage"),
            project.git("status", "--porcelain"),
            project.git("config", "--list", "--local"),
            (project.path / "README.md").read_text(),
        ]

    before = state()
    yield
    assert state() == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_agent_that_damages_its_git_file_fails_the_build_and_its_work_is_kept(
    project: Project, damage: str
) -> None:
    failed = project.act(build=f"echo precious > made.txt; {DAMAGES[damage]}")
    tree = worktree_for(project.path, "demo-1", "run-1").path
    assert failed.status == "failed"
    assert str(failed.error) == f"the file .git of the worktree {tree} was removed or replaced"
    assert (tree / "made.txt").read_text() == "precious\n"
    resumed = project.act_again()
    assert resumed.status == "completed"
    patch = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2" / "leftovers.patch"
    assert "+precious" in patch.read_text()
    assert project.commits(resumed.execution) == ["plan_committed", "build_committed"]
    assert (
        project.git(
            "diff", "--name-only", f"{resumed.execution.branch_name}~", resumed.execution.branch_name or ""
        )
        == "made.txt\n"
    )


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("phase", ["plan", "review"])
@pytest.mark.parametrize("damage", ["removed", "made a repository with commits", "names the user's"])
def test_a_planner_or_reviewer_that_damages_its_git_file_fails_its_phase(
    project: Project, phase: str, damage: str
) -> None:
    failed = project.act(**{phase: DAMAGES[damage]})
    assert isinstance(failed.error, RepositoryError)
    assert (failed.status, failed.execution.phase) == ("failed", phase)
    assert project.act_again().status == "completed"


@pytest.mark.parametrize("damage", ["rm", "echo damaged >", ": >"])
def test_an_index_that_an_agent_removes_or_damages_is_made_anew(project: Project, damage: str) -> None:
    (project.path / ".gitignore").write_text("*.log\n")
    (project.path / "kept.log").write_text("tracked, although ignored\n")
    project.git("add", "--force", ".gitignore", "kept.log")
    named = ("-c", "user.name=T", "-c", "user.email=t@e.org")
    project.git(*named, "commit", "--quiet", "--message", "Track an ignored file")
    outcome = project.act(build=f'echo made > made.txt; {damage} "$(git rev-parse --git-dir)/index"')
    assert outcome.status == "completed"
    branch = outcome.execution.branch_name or ""
    assert project.git("diff", "--name-only", f"{branch}~", branch) == "made.txt\n"


def test_settings_that_break_the_users_checkout_are_warned_of(project: Project) -> None:
    outcome = project.act(build="git config core.bare true; git config user.name Robot; echo x > made.txt")
    assert outcome.status == "completed"
    assert project.warnings() == [
        f"while the agent worked, {project.path}/.git/config changed: it is now with core.bare true, "
        "without core.bare false; if that was not you, put it back"
    ]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["HEAD", "commondir"])
@pytest.mark.parametrize("damage", ["rm", "echo damaged >"])
def test_resume_repairs_gits_own_files_that_an_agent_damaged_and_keeps_the_work(
    project: Project, name: str, damage: str
) -> None:
    failed = project.act(build=f'echo precious > made.txt; {damage} "$(git rev-parse --git-dir)/{name}"')
    own = project.path / ".git" / "worktrees" / worktree_for(project.path, "demo-1", "run-1").name
    assert str(failed.error) == f"git's own files in {own} were damaged"
    resumed = project.act_again()
    assert resumed.status == "completed"
    patch = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2" / "leftovers.patch"
    assert "+precious" in patch.read_text()


@pytest.mark.usefixtures("untouched")
def test_the_repository_that_an_agent_made_is_kept_beside_the_worktree(project: Project) -> None:
    project.act(build=f"echo mine > made.txt; {DAMAGES['made a repository with commits']}")
    project.act_again()
    kept = worktree_for(project.path, "demo-1", "run-1").path.with_name("demo-1-run-1.git-of-the-agent")
    assert git(kept, "--git-dir=.", "log", "-1", "--format=%s") == "agent\n"


@pytest.mark.usefixtures("untouched")
def test_git_commands_of_an_agent_without_a_git_file_do_not_reach_the_users_checkout(
    project: Project,
) -> None:
    project.act(build="rm -f .git; git add -A; git commit -qm astray; git config user.name astray")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "damage",
    [
        'rm -rf "$PWD"',
        'git worktree remove --force "$PWD"',
        'rm -f .git; git --git-dir="$common" worktree prune',
        'rm -rf "$(git rev-parse --git-dir)"',
    ],
)
def test_an_agent_that_removes_its_worktree_fails_the_build_and_a_new_one_is_made(
    project: Project, damage: str
) -> None:
    failed = project.act(build=f"common=$(git rev-parse --git-common-dir); {damage}")
    assert isinstance(failed.error, RepositoryError)
    resumed = project.act_again()
    assert resumed.status == "completed"
    assert project.commits(resumed.execution) == ["plan_committed", "build_committed"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "mess",
    [
        "git checkout -q --detach",
        "git checkout -q -b elsewhere",
        "git reset -q --hard HEAD~1",
        "git checkout -q -b side HEAD~1; echo side > a; git add a; git commit -qm side; "
        "git checkout -q -; echo here > a; git add a; git commit -qm here; git merge -q side || :",
        "git update-index --assume-unchanged README.md; echo hidden >> README.md",
        "git update-index --skip-worktree README.md; echo hidden >> README.md",
        "touch $(git rev-parse --git-dir)/index.lock",
        "git branch -q -m another-name",
        "git checkout -q -b side HEAD~1; git branch -q -D adw/demo-1-run-1",
        'git config core.hooksPath "$PWD/hooks" 2>/dev/null; git config --unset core.hooksPath; echo x > x',
    ],
)
def test_whatever_an_agent_does_to_branches_and_index_its_files_are_the_one_commit_of_the_step(
    project: Project, mess: str
) -> None:
    outcome = project.act(build=f"{mess}; echo work > made.txt")
    assert outcome.status == "completed", str(outcome.error)
    run = outcome.execution
    assert project.commits(run) == ["plan_committed", "build_committed"]
    assert project.git("show", f"{run.branch_name}:made.txt") == "work\n"
    assert project.git("rev-list", "--merges", str(run.branch_name)) == ""
    if "README.md" in mess:
        assert project.git("show", f"{run.branch_name}:README.md") == "# Shop\nhidden\n"


@pytest.mark.usefixtures("untouched")
def test_variables_of_a_git_command_around_us_lead_no_run_astray(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GIT_DIR": str(project.path / ".git"),
        "GIT_WORK_TREE": str(project.path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "objects"),
        "GIT_NAMESPACE": "other",
        "GIT_GLOB_PATHSPECS": "1",
        "GIT_AUTHOR_NAME": "",
        "GIT_COMMITTER_EMAIL": "<>",
        "GIT_AUTHOR_DATE": "never",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.worktree",
        "GIT_CONFIG_VALUE_0": str(project.path),
        "GIT_CONFIG_KEY_1": "core.bare",
        "GIT_CONFIG_VALUE_1": "true",
        "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
        "GIT_TRACE": str(tmp_path / "trace"),
    }.items():
        monkeypatch.setenv(name, value)
    outcome = project.act()
    assert outcome.status == "completed"
    assert not (tmp_path / "trace").exists()
    for name in [name for name in os.environ if name.startswith("GIT_") and "CONFIG_GLOBAL" not in name]:
        monkeypatch.delenv(name)
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
