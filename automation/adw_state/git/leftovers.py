"""What an interrupted or failed agent left in its worktree, kept before the worktree is put back.

Kept are a patch that `git apply` takes, and beside it, as they are, files that a patch cannot or must
not hold: repositories inside the worktree, what git refuses to store, and files that may hold secrets
where putting the worktree back would undo the agent's change. Nothing that was kept before is overwritten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adw_state.git.command import refusing
from adw_state.git.commits import may_be_committed, save_index_as_patch, stage_what_git_takes
from adw_state.git.tree_state import Change, stand_on_branch, unstage
from adw_state.git.worktrees import Worktree, free_name, git_of, open_folder


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Where leftovers were kept: a patch, and a folder of files as they were; None where there were none."""

    patch: Path | None = None
    files: Path | None = None

    @property
    def places(self) -> str:
        """The places as text; empty where nothing was kept."""
        return " and ".join(str(place) for place in (self.patch, self.files) if place is not None)


def set_aside_leftovers(tree: Worktree, base: str, folder: Path, name: str = "leftovers") -> Leftovers:
    """Keep what the worktree holds beyond `base` in `folder`, and put the worktree back to `base`.

    Untracked files that may hold secrets stay where they are, as ignored files do. Raises
    `RepositoryError`; then the worktree still holds what was not kept.
    """
    changes = stand_on_branch(tree, base)
    if not changes:
        return Leftovers()
    git = git_of(tree)
    held_back = [change.path for change in changes if not may_be_committed(change.path)]
    plain = [change for change in changes if change.path not in held_back and not change.nested]
    repositories = [change for change in changes if change.nested or change.submodule]
    unstage(git, base, held_back)
    refused = stage_what_git_takes(git, plain)
    unstage(git, base, [change.path for change in refused])
    moved = [change.path for change in (*repositories, *refused)]
    unkept = f"what an agent left in {tree.path} cannot be kept in {folder}"
    with refusing(unkept, "check the permissions and the free disk space, then resume"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        patch = _save_patch(tree, base, folder, name)
        place = free_name(folder / name)
        kept = _keep_files(tree, _tracked(tree, base, held_back), moved, place)
    _open_folders_of(tree, plain)
    git.run("reset", "--quiet", "--hard", base)
    for change in repositories:
        if change.submodule and not change.nested:
            (tree.path / change.path).mkdir(parents=True, exist_ok=True)
    kept |= _keep_files(tree, [], _no_longer_ignored(tree, base), place)
    return Leftovers(patch, place if kept else None)


def _no_longer_ignored(tree: Worktree, base: str) -> list[str]:
    """Untracked files that only the agent's own rules had ignored; the next commit would hold them."""
    paths = [change.path for change in stand_on_branch(tree, base) if may_be_committed(change.path)]
    known = set(_tracked(tree, base, paths))
    return [path for path in paths if path not in known]


def _open_folders_of(tree: Worktree, changes: Sequence[Change]) -> None:
    """Let git remove and replace changed files also where an agent protected their folders."""
    folders = {folder for change in changes for folder in Path(change.path).parents}
    for folder in sorted(tree.path / folder for folder in folders):
        if folder.is_dir() and not folder.is_symlink():
            open_folder(folder)


def _save_patch(tree: Worktree, base: str, folder: Path, name: str) -> Path | None:
    """Save the index as a patch; None where it holds nothing new: `git apply` refuses an empty one."""
    unfinished = folder / f".{name}.patch.unfinished"
    unfinished.unlink(missing_ok=True)
    save_index_as_patch(git_of(tree), base, unfinished)
    if not unfinished.stat().st_size:
        unfinished.unlink()
        return None
    return unfinished.rename(free_name(folder / name, ".patch"))


def _tracked(tree: Worktree, base: str, paths: Sequence[str]) -> list[str]:
    """Those of the paths that `base` has, and that are files now."""
    if not paths:
        return []
    known = set(git_of(tree).run("ls-tree", "-r", "-z", "--name-only", base).split("\0"))
    return [path for path in paths if path in known and (tree.path / path).is_file()]


def _keep_files(tree: Worktree, copied: Sequence[str], moved: Sequence[str], kept: Path) -> bool:
    """Copy files, and move others and folders, to a folder; say whether there were any."""
    present = [path for path in moved if os.path.lexists(tree.path / path)]
    for path in copied:
        (kept / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.path / path, kept / path, follow_symlinks=False)
    for path in present:
        (kept / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(tree.path / path, kept / path)
    return bool(copied or present)
