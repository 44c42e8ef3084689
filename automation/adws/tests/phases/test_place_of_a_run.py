"""A run belongs to one repository, one worktree and one branch: it goes on there, or says where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adw_state.errors import RepositoryError
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue
from adw_state.workflow.runner import run_issue
from adws.tests.phases.projects import Project, acting_agent, git
from adws.tests.project import Project as CommandProject


def failed_build(project: Project) -> str:
    """A run that failed in build; its branch."""
    outcome = project.act(build="exit 1")
    assert outcome.execution.phase == "build"
    return str(outcome.execution.branch_name)


def in_folder(project: Project, folder: Path) -> Project:
    """The project as seen from another folder, with the same tracker's database."""
    return Project(folder, project.database, project.log)


def refused(project: Project) -> RepositoryError:
    """The error with which a resume is refused."""
    with pytest.raises(RepositoryError) as caught:
        project.act_again()
    return caught.value


def test_a_copy_of_a_project_does_not_go_on_with_the_originals_run(project: Project, tmp_path: Path) -> None:
    branch = failed_build(project)
    tip = project.git("rev-parse", branch)
    copy = tmp_path / "copy"
    shutil.copytree(project.path, copy, symlinks=True)
    error = refused(Project(copy, copy / ".beads" / "beads.db", project.log))
    assert str(error) == f"execution run-1 works in {project.path}, not in {copy}"
    assert error.hint == f"go on there: `cd {project.path} && adw resume run-1`"
    assert (project.git("rev-parse", branch), git(copy, "rev-parse", branch)) == (tip, tip)


def test_a_project_that_was_moved_takes_its_runs_along(project: Project, tmp_path: Path) -> None:
    branch = failed_build(project)
    place = tmp_path / "moved"
    project.path.rename(place)
    moved = Project(place, place / ".beads" / "beads.db", project.log)
    (place / ".adw" / "trees" / "demo-1-run-1" / "half.txt").write_text("half done\n")
    outcome = moved.act_again()
    assert outcome.status == "completed"
    assert outcome.execution.worktree_path == str(place / ".adw" / "trees" / "demo-1-run-1")
    assert moved.commits(outcome.execution) == ["plan_committed", "build_committed"]
    patch = place / ".adw" / "agents" / "run-1" / "build" / "attempt-2" / "leftovers.patch"
    assert "+half done" in patch.read_text()
    assert git(place, "worktree", "list", "--porcelain").count("worktree ") == 2
    assert branch == outcome.execution.branch_name


def test_another_repository_that_shares_the_tracker_does_not_go_on_with_a_run(
    project: Project, tmp_path: Path
) -> None:
    failed_build(project)
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(project.path), str(other))
    settings = project.settings(location=locate(project.database, cwd=other, environ={}))
    assert settings.location.project == other
    with pytest.raises(RepositoryError, match=rf"^execution run-1 works in {project.path}, not in {other}$"):
        project.resume("run-1", location=settings.location)
    assert git(other, "branch", "--list", "adw/*") == ""
    assert not (other / ".adw" / "trees").exists()


def test_a_run_whose_commits_are_not_in_the_repository_is_refused(project: Project, tmp_path: Path) -> None:
    branch = failed_build(project)
    project.git("worktree", "remove", "--force", str(project.path / ".adw" / "trees" / "demo-1-run-1"))
    shutil.rmtree(project.path / ".git")
    git(project.path, "init", "--quiet", "--initial-branch=main")
    git(
        project.path,
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@e.org",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    )
    outcome = project.act_again()
    assert str(outcome.error).startswith(f"neither the branch {branch} nor the commit ")
    assert project.git("branch", "--list", "adw/*") == ""


def test_a_sibling_worktree_of_a_bare_repository_does_not_go_on_with_a_run(
    tmp_path: Path, project: Project
) -> None:
    bare, first, second = tmp_path / "shop.git", tmp_path / "first", tmp_path / "second"
    git(tmp_path, "clone", "--quiet", "--bare", str(project.path), str(bare))
    git(bare, "worktree", "add", "--quiet", str(first), "-b", "one")
    git(bare, "worktree", "add", "--quiet", str(second), "-b", "two")
    here = Project(first, project.database, project.log)
    location = locate(project.database, cwd=first, environ={})
    agent = acting_agent(tmp_path, build="exit 1")
    run = run_issue(
        here.settings(location=location, agent=agent), Issue("demo-1", "T"), adw_id="run-1"
    ).execution
    assert Path(str(run.worktree_path)).parent == first / ".adw" / "trees"
    sibling = locate(project.database, cwd=second, environ={})
    with pytest.raises(RepositoryError, match=rf"^execution run-1 works in {first}, not in {second}$"):
        here.resume("run-1", location=sibling)
    (tmp_path / ".git").write_text("gitdir: shop.git\n")
    above = locate(project.database, cwd=tmp_path, environ={})
    with pytest.raises(RepositoryError, match=rf"^execution run-1 works in {first}, not in {tmp_path}$"):
        here.resume("run-1", location=above)
    assert here.resume("run-1", location=location).status == "completed"


def test_a_worktree_that_the_user_moved_is_named_with_the_command_that_brings_it_back(
    project: Project, tmp_path: Path
) -> None:
    branch = failed_build(project)
    tree, moved = project.path / ".adw" / "trees" / "demo-1-run-1", tmp_path / "moved"
    project.git("worktree", "move", str(tree), str(moved))
    outcome = project.act_again()
    assert str(outcome.error) == (
        f"the branch {branch} of the run is checked out in {moved}, where it must not be moved"
    )
    hint = str(outcome.error.hint) if outcome.error else ""
    command = hint.partition("`")[2].partition("`")[0].split()
    assert command == ["git", "-C", f"{project.path}/.git", "worktree", "move", str(moved), str(tree)]
    git(tmp_path, *command[1:])
    assert project.act_again().status == "completed"


def test_a_branch_that_the_user_has_checked_out_is_not_moved(project: Project) -> None:
    branch = failed_build(project)
    project.git("worktree", "remove", "--force", str(project.path / ".adw" / "trees" / "demo-1-run-1"))
    project.git("checkout", "--quiet", branch)
    outcome = project.act_again()
    assert str(outcome.error) == (
        f"the branch {branch} of the run is checked out in {project.path}, where it must not be moved"
    )
    assert project.git("status", "--porcelain") == ""
    project.git("checkout", "--quiet", "main")
    assert project.act_again().status == "completed"


def test_a_deleted_branch_is_made_again_at_the_newest_commit_of_the_run(project: Project) -> None:
    branch = failed_build(project)
    planned = project.git("rev-parse", branch)
    project.git("worktree", "remove", "--force", str(project.path / ".adw" / "trees" / "demo-1-run-1"))
    project.git("branch", "--quiet", "-D", branch)
    outcome = project.act_again()
    assert outcome.status == "completed"
    assert project.git("rev-parse", f"{branch}~") == planned


def test_commits_that_the_user_made_on_the_branch_of_a_run_stay(project: Project) -> None:
    branch = failed_build(project)
    tree = project.path / ".adw" / "trees" / "demo-1-run-1"
    git(
        tree,
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@e.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "by hand",
    )
    project.act_again()
    assert project.git("log", "--format=%s", "--skip=1", "-1", branch) == "by hand\n"


class TestWhereARunBegins:
    """A run begins at the commit on which the user stands."""

    @staticmethod
    def project(tmp_path: Path) -> tuple[CommandProject, Path]:
        """A project, and a linked worktree of it with a commit of its own; the main checkout is dirty."""
        project = CommandProject(tmp_path / "shop")
        project.adw("init")
        linked = tmp_path / "linked"
        project.git("worktree", "add", "--quiet", str(linked), "-b", "topic")
        (linked / "topic.py").write_text("")
        project.git("-C", str(linked), "add", "topic.py")
        project.git("-C", str(linked), "commit", "--quiet", "--message", "topic")
        (project.folder / "adw.toml").write_text('agent = "scripted"\nenvironment = "dirty"\n')
        return project, linked

    def test_from_a_linked_worktree_it_begins_there(self, tmp_path: Path) -> None:
        project, linked = self.project(tmp_path)
        ran = project.adw("run", "bd-42", "--json", cwd=linked)
        assert ran.code == 0, ran.err
        project.git("merge-base", "--is-ancestor", "topic", ran.json["execution"]["branch_name"])

    def test_changes_in_the_checkout_where_the_user_stands_stop_it(self, tmp_path: Path) -> None:
        project, linked = self.project(tmp_path)
        (linked / "topic.py").write_text("changed\n")
        ran = project.adw("run", "bd-42", cwd=linked)
        assert (ran.code, ran.err.splitlines()[0]) == (
            1,
            f"Error: {linked} has changes that are not committed: 'topic.py'",
        )

    def test_in_a_folder_of_the_checkout_it_begins_all_the_same(self, tmp_path: Path) -> None:
        project, linked = self.project(tmp_path)
        (linked / "deep").mkdir()
        assert project.adw("run", "bd-42", cwd=linked / "deep").code == 0

    def test_a_commit_that_was_named_is_where_it_begins(self, tmp_path: Path) -> None:
        project, _ = self.project(tmp_path)
        ran = project.adw("run", "bd-42", "--base", "topic", "--json")
        assert ran.code == 0, ran.err
        branch = ran.json["execution"]["branch_name"]
        assert project.git("merge-base", branch, "topic") == project.git("rev-parse", "topic")

    @pytest.mark.parametrize("base", ["nothing", "--help", "HEAD:adw.toml", ""])
    def test_a_name_of_no_commit_is_refused_before_anything_is_made(self, tmp_path: Path, base: str) -> None:
        project, _ = self.project(tmp_path)
        ran = project.adw("run", "bd-42", f"--base={base}")
        assert ran.code == 1
        assert ran.err.startswith(f"Error: {base!r} names no commit of the repository")
        assert not (project.folder / ".adw").exists()
