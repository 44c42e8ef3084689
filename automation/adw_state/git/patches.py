"""Differences as git's own patches: `git apply` takes them, whatever the user's diff settings are."""

from __future__ import annotations

from pathlib import Path

from adw_state.git.command import Git
from adw_state.git.worktrees import Worktree, git_of

_OPTIONS = (
    "-r", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
    "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0",
    "--submodule=short", "--ignore-submodules=none", "--diff-algorithm=default",
    "--ws-error-highlight=none", "--output-indicator-new=+", "--output-indicator-old=-",
    "--output-indicator-context= ",
)  # fmt: skip


def diff_between(tree: Worktree, old: str, new: str) -> str:
    """The difference of two commits."""
    return git_of(tree).run("diff-tree", *_OPTIONS, old, new)


def save_index_as_patch(git: Git, base: str, file: Path) -> None:
    """Save the difference of the index to `base` in a new file. Raises `RepositoryError`."""
    git.save(file, "diff-index", "--cached", *_OPTIONS, base)
