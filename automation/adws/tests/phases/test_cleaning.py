"""`adw clean` removes worktrees and branches of runs that are over, and never the only copy of their work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adw_state.configuration.settings import load_config
from adw_state.workflow.cleaning import Cleaned, clean_runs
from adws.tests.phases.projects import Project

BRANCH = "adw/demo-1-run-1"
AUTHOR = ("-c", "user.name=T", "-c", "user.email=t@example.org")


def clean(
    project: Project, execution_id: str = "run-1", *, force: bool = False, dry_run: bool = False
) -> Cleaned:
    """Clean up after a run that has something to clean."""
    (found,) = clean_runs(project.settings(), [execution_id], force=force, dry_run=dry_run)
    return found


def branches(project: Project) -> list[str]:
    """The branches of the repository."""
    return project.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()


def worktrees(project: Project) -> int:
    """How many worktrees git knows."""
    return project.git("worktree", "list", "--porcelain").count("worktree ")


def patch_of(cleaned: Cleaned) -> Path:
    """The patch that uncommitted work was kept in."""
    (patch,) = [Path(place) for place in cleaned.kept_in if place.endswith(".patch")]
    return patch


class TestMergedWork:
    def test_worktree_and_branch_of_a_merged_run_go(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        assert clean(project).stays_because is None
        assert (branches(project), worktrees(project)) == (["main"], 1)
        assert not (project.path / ".adw/trees/demo-1-run-1").exists()

    def test_a_squashed_merge_is_one(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--squash", BRANCH)
        project.git(*AUTHOR, "commit", "--quiet", "-m", "All at once")
        assert clean(project).stays_because is None
        assert branches(project) == ["main"]

    def test_another_branch_that_holds_the_commits_is_enough(self, project: Project) -> None:
        project.act()
        project.git("branch", "mine", BRANCH)
        clean(project)
        assert branches(project) == ["main", "mine"]

    def test_a_dry_run_removes_nothing(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        assert clean(project, dry_run=True).stays_because is None
        assert (branches(project), worktrees(project)) == ([BRANCH, "main"], 2)

    def test_a_run_that_was_cleaned_has_nothing_to_clean(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        clean(project)
        assert clean_runs(project.settings(), ["run-1"]) == []

    def test_the_commands_of_teardown_run_in_the_worktree_first(
        self, project: Project, tmp_path: Path
    ) -> None:
        notes = tmp_path / "notes.txt"
        (project.path / "adw.toml").write_text(f"[worktree]\nteardown = ['pwd >> {notes}']\n")
        project.config = load_config(project.path, {})
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        clean(project)
        assert notes.read_text() == f"{project.path}/.adw/trees/demo-1-run-1\n"

    def test_where_teardown_fails_all_stays(self, project: Project) -> None:
        (project.path / "adw.toml").write_text("[worktree]\nteardown = ['exit 3']\n")
        project.config = load_config(project.path, {})
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        assert clean(project).stays_because == (
            "the worktree is not torn down: the command `exit 3` exited with code 3 and printed nothing"
        )
        assert worktrees(project) == 2
        assert clean(project, force=True).stays_because is None
        assert worktrees(project) == 1


class TestWorkThatIsNowhereElse:
    def test_commits_that_are_not_merged_keep_worktree_and_branch(self, project: Project) -> None:
        project.act()
        assert clean(project).stays_because == "its commits are not merged"
        assert (branches(project), worktrees(project)) == ([BRANCH, "main"], 2)

    def test_with_force_they_stay_under_a_name_that_no_branch_list_shows(self, project: Project) -> None:
        project.act()
        tip = project.git("rev-parse", BRANCH)
        assert clean(project, force=True).kept_in == ("refs/adw/kept/demo-1-run-1",)
        assert branches(project) == ["main"]
        assert project.git("rev-parse", "refs/adw/kept/demo-1-run-1") == tip

    def test_files_that_are_not_committed_keep_worktree_and_branch(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        tree = project.path / ".adw/trees/demo-1-run-1"
        (tree / "a note.txt").write_text("mine\n")
        (tree / "README.md").write_text("changed\n")
        assert clean(project).stays_because == "README.md and 1 more is not committed"
        assert (tree / "a note.txt").read_text() == "mine\n"

    def test_with_force_they_are_kept_as_a_patch_that_git_applies(self, project: Project) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        (project.path / ".adw/trees/demo-1-run-1" / "note.txt").write_text("mine\n")
        cleaned = clean(project, force=True)
        assert patch_of(cleaned) == project.path / ".adw/agents/run-1/cleaned.patch"
        project.git("apply", str(patch_of(cleaned)))
        assert (project.path / "note.txt").read_text() == "mine\n"

    def test_a_file_that_may_hold_secrets_is_not_copied_and_keeps_the_worktree_even_with_force(
        self, project: Project
    ) -> None:
        project.act()
        project.git("merge", "--quiet", "--ff-only", BRANCH)
        secret = project.path / ".adw/trees/demo-1-run-1" / ".env"
        secret.write_text("TOKEN=1\n")
        assert clean(project, force=True).stays_because == (
            f".env in {secret.parent} may hold secrets, so it is not kept elsewhere"
        )
        assert secret.read_text() == "TOKEN=1\n"


class TestACopiedProject:
    def test_it_does_not_clean_up_for_the_project_that_it_was_copied_from(
        self, project: Project, tmp_path: Path
    ) -> None:
        project.act()
        copy = Project(tmp_path / "copy", tmp_path / "copy/.beads/beads.db", project.log)
        shutil.copytree(project.path, copy.path, symlinks=True)
        assert clean(copy, force=True).stays_because == (
            f"execution run-1 works in {project.path}, not in {copy.path}"
        )
        assert (branches(project), worktrees(project)) == ([BRANCH, "main"], 2)
        assert (project.path / ".adw/trees/demo-1-run-1/made.txt").exists()


class TestRunsThatAreNotOver:
    @pytest.mark.parametrize("force", [False, True])
    def test_an_unfinished_run_keeps_its_worktree(self, project: Project, force: bool) -> None:
        project.run("demo-1", adw_id="run-1", pause_after="worktree_ready")
        assert clean(project, force=force).stays_because == "the run is not over: it is in progress"
        assert worktrees(project) == 2

    def test_a_failed_run_that_was_cleaned_can_still_be_resumed(self, project: Project) -> None:
        project.act(review="exit 1")
        assert clean(project, force=True).stays_because is None
        assert project.act_again().status == "completed"
        assert project.git("diff", "--name-only", "main", BRANCH).split() == [
            "made.txt",
            "specs/demo-1-plan.md",
        ]
