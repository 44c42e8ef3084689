"""Bringing the index to what is to be committed, and showing it as a patch.

Never committed are the tracker's folder, because trackers write there by themselves, and files that hold
credentials by custom (`.env`, `.mcp.json`, private keys), also where the project tracks them. The rest
is staged by `git update-index`: `git add` leaves out ignored files and what a sparse checkout hides.

Patches are git's own, whatever the user's diff settings are, so that `git apply` takes them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from adw_state.errors import GitFailedError
from adw_state.git.command import Git
from adw_state.git.tree_state import Change, nul_separated
from adw_state.git.worktrees import Worktree, git_of, open_file

SECRET_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".mcp.json", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
    "credentials.json", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa",
    "id_ed25519",
)  # fmt: skip
# Templates that are made to be committed.
_EXAMPLE_FILES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env")
_TRACKER_FOLDER = ".beads"
_PATCH_OPTIONS = (
    "-r", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
    "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0",
    "--submodule=short", "--ignore-submodules=none", "--diff-algorithm=default",
    "--ws-error-highlight=none", "--output-indicator-new=+", "--output-indicator-old=-",
    "--output-indicator-context= ",
)  # fmt: skip


def may_be_committed(path: str) -> bool:
    """Whether a path (relative to the worktree) is neither secret by custom nor the tracker's."""
    return not _of_tracker(path) and not _secret(path)


def why_left_out(path: str) -> str:
    """Why a path that may not be committed is left out, to be read after the path."""
    return "it belongs to the tracker" if _of_tracker(path) else "it may hold secrets"


def _of_tracker(path: str) -> bool:
    return path == _TRACKER_FOLDER or path.startswith(f"{_TRACKER_FOLDER}/")


def _secret(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name not in _EXAMPLE_FILES and any(fnmatch(name, pattern) for pattern in SECRET_FILES)


def stage(git: Git, changes: Sequence[Change]) -> None:
    """Bring the index to what the files hold; where only the index says executable, that stays."""
    top = git.work_tree or git.folder
    missing = [change for change in changes if not change.in_index]
    gone = [change.path for change in missing if _is_gone(top, change.path)]
    if gone:
        git.run("update-index", "--force-remove", "-z", "--stdin", text=nul_separated(gone))
    present = [change for change in missing if change.path not in set(gone)]
    for change in present:
        open_file(top / change.path)
    if present:
        listed = nul_separated(change.path for change in present)
        git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", text=listed)
    executable = [change.path for change in present if change.made_executable]
    if executable:
        git.run("update-index", "--chmod=+x", "-z", "--stdin", text=nul_separated(executable))


def stage_what_git_takes(git: Git, changes: Sequence[Change]) -> list[Change]:
    """Stage all changes but those that git refuses; return the refused.

    It refuses a pipe in the place of a file, and a file that a filter or an encoding does not take.
    """
    try:
        stage(git, changes)
    except GitFailedError:
        if len(changes) == 1:
            return list(changes)
        half = len(changes) // 2
        return stage_what_git_takes(git, changes[:half]) + stage_what_git_takes(git, changes[half:])
    return []


def _is_gone(top: Path, path: str) -> bool:
    """Whether nothing is at a path, also where a link took the place of a folder on its way."""
    parents = list((top / path).relative_to(top).parents)[:-1]
    return not os.path.lexists(top / path) or any((top / parent).is_symlink() for parent in parents)


def diff_between(tree: Worktree, old: str, new: str) -> str:
    """The difference of two commits."""
    return git_of(tree).run("diff-tree", *_PATCH_OPTIONS, old, new)


def save_index_as_patch(git: Git, base: str, file: Path) -> None:
    """Save the difference of the index to `base` in a new file. Raises `RepositoryError`."""
    git.save(file, "diff-index", "--cached", *_PATCH_OPTIONS, base)
