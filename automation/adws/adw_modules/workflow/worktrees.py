"""The git worktree and branch of an execution, where its agents work.

They live in `automation/trees/` of the project, hidden by `.git/info/exclude`: not inside `.git`,
because agents and their tools refuse to look there. Folder and branch carry the issue and the
execution in their names; ids of any shape are made safe first.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adws.adw_modules.errors import RepositoryError
from adws.adw_modules.workflow.git import ask_git, git
from adws.adw_modules.workflow.safe_names import safe_name

_LOCK_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Worktree:
    """Where an execution works: `project` is the main work tree it was made from."""

    project: Path
    name: str

    @property
    def path(self) -> Path:
        """The worktree's folder."""
        return self.project / "automation" / "trees" / self.name

    @property
    def branch(self) -> str:
        """The worktree's branch."""
        return f"adw/{self.name}"


def worktree_for(project: Path, issue_id: str, execution_id: str) -> Worktree:
    """The worktree that belongs to an execution, whether it exists or not."""
    return Worktree(project, f"{safe_name(issue_id)}-{safe_name(execution_id)}")


def ensure_worktree(tree: Worktree, base: str) -> None:
    """Make the worktree and its branch (at `base`, if it is new), or repair what a crash left of them.

    Only the execution's owner may call this, with all of its agents stopped.
    """
    state = _state(tree)
    if state == "sound":
        _drop_stale_locks(tree)
        return
    if state == "unfinished":
        shutil.rmtree(tree.path)
    elif tree.path.exists():
        _move_aside(tree.path)
    git(tree.project, "worktree", "prune")
    tree.path.parent.mkdir(parents=True, exist_ok=True)
    known = ask_git(tree.project, "rev-parse", "--verify", "--quiet", f"refs/heads/{tree.branch}").code == 0
    start = [str(tree.path), tree.branch] if known else ["-b", tree.branch, str(tree.path), base]
    # Twice --force: a killed `git worktree add` leaves its registration locked, which prune respects.
    git(tree.project, "worktree", "add", "--quiet", "--force", "--force", *start)


def remove_worktree(tree: Worktree) -> None:
    """Take the worktree's folder away; its branch and commits stay."""
    git(tree.project, "worktree", "remove", "--force", str(tree.path))


def head_of(tree: Worktree) -> str:
    """The commit the worktree stands on."""
    return git(tree.path, "rev-parse", "HEAD").strip()


def stand_on_branch(tree: Worktree, commit: str) -> None:
    """Point the branch at `commit` and stand on it, leaving every file as it is.

    This takes back commits, branch switches and staging that an agent did on its own.
    """
    git(tree.path, "symbolic-ref", "HEAD", f"refs/heads/{tree.branch}")
    git(tree.path, "reset", "--quiet", "--mixed", commit)


def _state(tree: Worktree) -> Literal["sound", "unfinished", "other"]:
    """Whether the folder is a whole worktree, one that git never finished, or anything else."""
    if not (tree.path / ".git").is_file():
        return "other"
    answer = ask_git(tree.path, "rev-parse", "--git-dir", "--show-toplevel")
    if answer.code != 0:
        return "other"
    git_dir, top = answer.output.splitlines()
    lock = tree.path / git_dir / "locked"
    if lock.exists() and lock.read_text(encoding="utf-8", errors="replace").strip() == "initializing":
        return "unfinished"
    return "sound" if Path(top).resolve() == tree.path.resolve() else "other"


def _drop_stale_locks(tree: Worktree) -> None:
    """Remove git's lock files that a killed git left in the worktree, once they outlive our patience."""
    git_dir, common_dir = git(tree.path, "rev-parse", "--git-dir", "--git-common-dir").splitlines()
    locks = [tree.path / git_dir / name for name in ("index.lock", "HEAD.lock")]
    locks.append(tree.path / common_dir / "refs" / "heads" / f"{tree.branch}.lock")
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while any(lock.exists() for lock in locks) and time.monotonic() < deadline:
        time.sleep(0.02)
    for lock in locks:
        lock.unlink(missing_ok=True)


def _move_aside(folder: Path) -> None:
    """Keep a folder that stands where the worktree belongs, under another name."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.aside-{number}")).exists():
        number += 1
    try:
        folder.rename(aside)
        # It would point at the registration that the new worktree is about to take.
        (aside / ".git").unlink(missing_ok=True)
    except OSError as error:
        raise RepositoryError(
            f"{folder} is in the way of a worktree and cannot be moved aside: {error.strerror}",
            hint="move it away by hand, then try again",
        ) from error
