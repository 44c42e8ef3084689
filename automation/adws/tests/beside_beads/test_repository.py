"""The repository is read by hand; git's own answers are the measure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.errors import RepositoryError
from adw_state.trackers.repository import RepositoryPaths, find_repository
from adws.tests.beside_beads.trackers import git, git_repository, worktree

Layout = Callable[[Path], Path]


def plain(root: Path) -> Path:
    return git_repository(root / "project")


def subfolder(root: Path) -> Path:
    deep = plain(root) / "a" / "b"
    deep.mkdir(parents=True)
    return deep


def linked_worktree(root: Path) -> Path:
    return worktree(plain(root), root / "linked")


def folder_in_linked_worktree(root: Path) -> Path:
    deep = linked_worktree(root) / "a"
    deep.mkdir()
    return deep


def worktree_inside_its_repository(root: Path) -> Path:
    main = plain(root)
    return worktree(main, main / "trees" / "one")


def submodule(root: Path) -> Path:
    git_repository(root / "part")
    main = plain(root)
    git(main, "submodule", "--quiet", "add", str(root / "part"), "part")
    return main / "part"


def worktree_of_submodule(root: Path) -> Path:
    return worktree(submodule(root), root / "linked")


def separate_git_directory(root: Path) -> Path:
    top = root / "project"
    top.mkdir()
    git(top, "init", "-q", "--separate-git-dir", str(root / "store"))
    git(top, "commit", "-q", "--allow-empty", "-m", "Begin")
    return top


def worktree_of_bare(root: Path) -> Path:
    git(root, "clone", "-q", "--bare", str(plain(root)), "bare.git")
    return worktree(root / "bare.git", root / "linked")


def worktree_of_bare_called_dot_git(root: Path) -> Path:
    git(root, "clone", "-q", "--bare", str(plain(root)), "home/.git")
    return worktree(root / "home" / ".git", root / "home" / "linked")


def reached_through_a_symbolic_link(root: Path) -> Path:
    (root / "link").symlink_to(subfolder(root))
    return root / "link"


WORK_TREES = [
    plain,
    subfolder,
    linked_worktree,
    folder_in_linked_worktree,
    worktree_inside_its_repository,
    submodule,
    worktree_of_submodule,
    separate_git_directory,
    worktree_of_bare,
    worktree_of_bare_called_dot_git,
    reached_through_a_symbolic_link,
]


def git_says(folder: Path) -> tuple[Path, Path, Path]:
    lines = git(
        folder, "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir"
    ).splitlines()
    top, git_dir, common_dir = (Path(line).resolve() for line in lines)
    return top, git_dir, common_dir


def found(folder: Path) -> RepositoryPaths:
    repository = find_repository(folder, {})
    assert repository is not None
    return repository


@pytest.mark.parametrize("layout", WORK_TREES)
def test_the_repository_of_a_folder_is_the_one_that_git_names(layout: Layout, tmp_path: Path) -> None:
    folder = layout(tmp_path)
    repository = found(folder)
    assert (repository.top, repository.git_dir, repository.common_dir) == git_says(folder)


@pytest.mark.parametrize(
    ("layout", "main"),
    [
        (plain, "project"),
        (folder_in_linked_worktree, "project"),
        (submodule, "project/part"),
        (worktree_of_submodule, "project/part"),
        (separate_git_directory, "project"),
        (worktree_of_bare, None),
        (worktree_of_bare_called_dot_git, None),
    ],
)
def test_the_main_work_tree_is_the_same_from_every_worktree(
    layout: Layout, main: str | None, tmp_path: Path
) -> None:
    assert found(layout(tmp_path)).main == (tmp_path / main if main else None)


@pytest.mark.parametrize("layout", [linked_worktree, worktree_of_submodule, worktree_of_bare])
def test_a_linked_worktree_is_known_as_such(layout: Layout, tmp_path: Path) -> None:
    assert found(layout(tmp_path)).linked


@pytest.mark.parametrize("layout", [plain, submodule, separate_git_directory])
def test_a_main_work_tree_is_not_linked(layout: Layout, tmp_path: Path) -> None:
    assert not found(layout(tmp_path)).linked


def test_a_bare_repository_has_no_work_tree_and_is_its_own_project(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    repository = found(tmp_path / "bare.git" / "refs")
    assert (repository.top, repository.main) == (None, None)
    assert repository.project == tmp_path / "bare.git"


def test_inside_the_git_directory_there_is_no_work_tree_but_the_project_is_known(tmp_path: Path) -> None:
    top = plain(tmp_path)
    repository = found(top / ".git" / "refs")
    assert (repository.top, repository.project) == (None, top)


def test_outside_git_there_is_no_repository(tmp_path: Path) -> None:
    assert find_repository(tmp_path, {}) is None


def test_a_dot_git_file_that_leads_nowhere_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert find_repository(tmp_path, {}) is None


def test_a_hook_in_a_linked_worktree_is_in_that_worktree(tmp_path: Path) -> None:
    linked = linked_worktree(tmp_path)
    hook_environ = {"GIT_DIR": git(linked, "rev-parse", "--absolute-git-dir")}
    assert find_repository(linked, hook_environ) == find_repository(linked, {})


def test_git_work_tree_says_where_the_files_of_git_dir_are(tmp_path: Path) -> None:
    top = plain(tmp_path)
    environ = {"GIT_DIR": str(top / ".git"), "GIT_WORK_TREE": "../project"}
    assert find_repository(top, environ) == find_repository(top, {})


def test_a_git_dir_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="GIT_DIR names nowhere, which is no git directory"):
        find_repository(tmp_path, {"GIT_DIR": "nowhere"})
