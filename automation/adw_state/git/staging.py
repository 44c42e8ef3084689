"""Bringing the index to what is to be committed.

By `git update-index`, not by `git add`, which leaves out ignored files and what a sparse checkout hides.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from adw_state.errors import GitFailedError
from adw_state.git.access import open_file
from adw_state.git.command import Git
from adw_state.git.tree_state import Change, nul_separated


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
