"""Repositories that a run cannot start in, and odd ones that it can."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adw_state.errors import IssueNotFoundError, RepositoryError
from adw_state.git.repository import check_repository
from adw_state.git.worktrees import Worktree, ensure_worktree, head_of
from adw_state.trackers.tracker import Issue
from adw_state.workflow.runner import run_issue
from adws.tests.phases.projects import Project, git, worktree_for


def refusal(folder: Path) -> str:
    """The sentence with which a folder is refused; there must be a hint, too."""
    with pytest.raises(RepositoryError) as caught:
        check_repository(folder)
    assert caught.value.hint
    return str(caught.value)


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    # What git says next depends on where file systems are mounted.
    assert refusal(tmp_path).startswith(
        f"{tmp_path} cannot be used as a git repository: not a git repository ("
    )


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare")
    assert refusal(tmp_path) == f"{tmp_path} is a bare repository, which has no files to work on"


def test_where_a_file_names_a_bare_repository_nobody_is_told_to_call_it_something_else(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", ".bare")
    (tmp_path / ".git").write_text("gitdir: ./.bare\n")
    with pytest.raises(RepositoryError) as caught:
        check_repository(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a bare repository, which has no files to work on"
    assert caught.value.hint == (
        f"run in a worktree of it: `git -C {tmp_path} worktree list` shows them, "
        "and `git worktree add` makes one"
    )


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert refusal(tmp_path) == (
        f"the repository {tmp_path} has no commits, so a run has nothing to start from"
    )


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone") == f"there is no folder {tmp_path / 'gone'}"


def test_changes_to_tracked_files_are_refused_unless_allowed(project: Project) -> None:
    (project.path / "README.md").write_text("changed\n")
    assert refusal(project.path) == f"{project.path} has changes that are not committed: 'README.md'"
    (project.path / ".gitignore").unlink()
    assert refusal(project.path) == (
        f"{project.path} has changes that are not committed: '.gitignore' and 1 more"
    )
    assert project.executions() == []
    assert not (project.path / ".adw").exists()
    run = project.run("demo-1", allow_dirty=True).execution
    assert project.git("show", f"{run.branch_name}:README.md") == "# Shop\n"
    assert (project.path / "README.md").read_text() == "changed\n"


def test_untracked_files_and_the_trackers_own_changes_are_no_hindrance(project: Project) -> None:
    export = project.path / ".beads" / "issues.jsonl"
    export.write_text("{}\n")
    project.git("add", str(export))
    git(project.path, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "x")
    export.write_text("{}\n{}\n")
    (project.path / "notes.txt").write_text("mine\n")
    assert project.run("demo-1").status == "completed"
    assert (project.path / "notes.txt").read_text() == "mine\n"


def test_an_unknown_issue_is_refused_before_anything_is_made(project: Project) -> None:
    with pytest.raises(IssueNotFoundError):
        project.run("demo-99")
    assert not (project.path / ".adw").exists()


@pytest.mark.parametrize("issue_id", ["a b", "--help", 'it\'s "quoted"', "../../etc", "x" * 200, "ünï"])
def test_an_issue_id_of_any_shape_is_safe_in_paths_and_branches(project: Project, issue_id: str) -> None:
    shutil.rmtree(project.path / ".beads")
    settings = project.settings()
    run = run_issue(settings, Issue(issue_id, "Odd id"), adw_id="run-1").execution
    assert (run.status, run.issue_id) == ("completed", issue_id)
    assert project.commits(run) == ["plan_committed", "build_committed"]
    trees = project.path / ".adw" / "trees"
    assert [entry.parent for entry in trees.iterdir()] == [trees]
    assert project.git("status", "--porcelain") == ""


def test_a_detached_head_is_a_fine_start(project: Project) -> None:
    project.git("checkout", "--quiet", "--detach")
    assert project.run("demo-1").status == "completed"


def test_hooks_and_signing_of_the_project_do_not_touch_the_commits_of_a_run(project: Project) -> None:
    hooks = project.path / ".git" / "hooks"
    for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout", "prepare-commit-msg"):
        (hooks / name).write_text('#!/bin/sh\necho ran >> "$(git rev-parse --git-common-dir)/ran"\nexit 1\n')
        (hooks / name).chmod(0o755)
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "user.signingKey", "nobody")
    run = project.run("demo-1").execution
    assert project.commits(run) == ["plan_committed", "build_committed"]
    assert not (project.path / ".git" / "ran").exists()


def test_the_folders_of_runs_are_hidden_once_and_other_lines_are_kept(project: Project) -> None:
    exclude = project.path / ".git" / "info" / "exclude"
    exclude.write_text("mine")
    project.run("demo-1")
    project.run("demo-2")
    assert exclude.read_text() == "mine\n/.adw/\n"


def test_a_worktree_that_was_deleted_is_made_again_with_its_commits(project: Project) -> None:
    planned = project.run("demo-1", last_phase="plan").execution
    shutil.rmtree(str(planned.worktree_path))
    outcome = project.resume(planned.id)
    assert outcome.status == "completed"
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]


def test_a_folder_that_stands_where_a_worktree_belongs_is_moved_aside(bare_project: Path) -> None:
    tree = worktree_for(bare_project, "i-1", "r-1")
    tree.path.mkdir(parents=True)
    (tree.path / "mine.txt").write_text("mine\n")
    base = git(bare_project, "rev-parse", "HEAD").strip()
    ensure_worktree(tree, base)
    assert head_of(tree) == base
    assert (tree.path.with_name("i-1-r-1.aside") / "mine.txt").read_text() == "mine\n"


def test_a_worktree_that_git_never_finished_is_made_anew(bare_project: Path) -> None:
    tree = made(bare_project)
    (bare_project / ".git" / "worktrees" / "i-1-r-1" / "locked").write_text("initializing\n")
    (tree.path / "README.md").unlink()
    ensure_worktree(tree, head_of(tree))
    assert (tree.path / "README.md").read_text() == "# Shop\n"


def test_locks_that_a_killed_git_left_behind_are_removed(bare_project: Path) -> None:
    tree = made(bare_project)
    own = bare_project / ".git" / "worktrees" / "i-1-r-1"
    locks = [own / "index.lock", own / "HEAD.lock", bare_project / ".git/refs/heads/adw/i-1-r-1.lock"]
    for lock in locks:
        lock.touch()
    ensure_worktree(tree, head_of(tree))
    assert [lock.exists() for lock in locks] == [False, False, False]


def test_a_git_command_around_us_does_not_lead_us_astray(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    repository = check_repository(project.path)
    assert repository.common_dir == project.path / ".git"


def test_a_missing_git_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(project.path) == "git is not installed"


def made(project: Path) -> Worktree:
    """A sound worktree."""
    tree = worktree_for(project, "i-1", "r-1")
    ensure_worktree(tree, git(project, "rev-parse", "HEAD").strip())
    return tree
