"""The git worktree and branch of an execution, where its agents work.

They live in `automation/trees/` of the project, hidden by `.git/info/exclude`: not inside `.git`,
because agents and their tools refuse to look there. Folder and branch carry the issue and the
execution in their names; ids of any shape are made safe first.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adws.adw_modules.errors import RepositoryError
from adws.adw_modules.store.gate import Gate
from adws.adw_modules.workflow.git.command import ask_git, git
from adws.adw_modules.workflow.git.safe_names import safe_name

_PATIENCE_SECONDS = 1.0
_GATE_SECONDS = 60.0
# How many blanks stand before the path in an entry of `git status --porcelain=v2`, after its kind.
_FIELDS_BEFORE_PATH = {"1": 7, "u": 9, "?": 0}


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


@dataclass(frozen=True, slots=True)
class TreeState:
    """Where a worktree stands: commit and branch, the paths that differ, and whether any is staged."""

    head: str
    branch: str
    changed: tuple[str, ...]
    staged: bool


def worktree_for(project: Path, issue_id: str, execution_id: str) -> Worktree:
    """The worktree that belongs to an execution, whether it exists or not."""
    return Worktree(project, f"{safe_name(issue_id)}-{safe_name(execution_id)}")


def ensure_worktree(tree: Worktree, base: str) -> None:
    """Make the worktree and its branch (at `base`, if it is new), or repair what a crash left of them.

    Only the execution's owner may call this, with all of its agents stopped.
    """
    found = _git_dirs(tree)
    if found is not None:
        # A git that a killed run left behind may be about to finish.
        _wait_for(lambda: not _is_unfinished(found))
        if not _is_unfinished(found):
            _drop_stale_locks(tree, found)
            return
        shutil.rmtree(tree.path)
    elif tree.path.exists():
        _move_aside(tree.path)
    known = ask_git(tree.project, "rev-parse", "--verify", "--quiet", f"refs/heads/{tree.branch}").code == 0
    start = [str(tree.path), tree.branch] if known else ["-b", tree.branch, str(tree.path), base]
    tree.path.parent.mkdir(parents=True, exist_ok=True)
    # One at a time: git stumbles over the worktree that another git is just making.
    with closing(Gate(tree.path.parent, _GATE_SECONDS)) as gate, gate:
        # Twice --force: where the folder is gone, its registration may still be there, even locked.
        git(tree.project, "worktree", "add", "--quiet", "--force", "--force", *start)


def remove_worktree(tree: Worktree) -> None:
    """Take the worktree's folder away; its branch and commits stay."""
    git(tree.project, "worktree", "remove", "--force", str(tree.path))


def head_of(tree: Worktree) -> str:
    """The commit the worktree stands on."""
    return git(tree.path, "rev-parse", "HEAD").strip()


def look_at(tree: Worktree) -> TreeState:
    """Where the worktree stands, and which paths differ from its HEAD; ignored files do not count."""
    listed = git(
        tree.path, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames",
        "--ignore-submodules=dirty",
    )  # fmt: skip
    head = branch = ""
    changed, staged = [], False
    for entry in filter(None, listed.split("\0")):
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            head = value if name == "branch.oid" else head
            branch = value if name == "branch.head" else branch
        else:
            changed.append(rest.split(" ", _FIELDS_BEFORE_PATH[kind])[-1])
            staged = staged or (kind != "?" and rest[0] != ".")
    return TreeState(head, branch, tuple(changed), staged)


def stand_on_branch(tree: Worktree, commit: str) -> TreeState:
    """Point the branch at `commit` and stand on it, leaving every file as it is.

    This takes back commits, branch switches and staging that an agent did on its own.
    """
    state = look_at(tree)
    if (state.head, state.branch) == (commit, tree.branch) and not state.staged:
        return state
    git(tree.path, "symbolic-ref", "HEAD", f"refs/heads/{tree.branch}")
    git(tree.path, "reset", "--quiet", "--mixed", commit)
    return look_at(tree)


def _git_dirs(tree: Worktree) -> list[Path] | None:
    """Git's own and shared folder for the worktree; None where the folder is no worktree of its own."""
    if not (tree.path / ".git").is_file():
        return None
    answer = ask_git(tree.path, "rev-parse", "--git-dir", "--git-common-dir", "--show-toplevel")
    own, common, top = answer.output.splitlines() if answer.code == 0 else ("", "", "")
    if not top or Path(top).resolve() != tree.path.resolve():
        return None
    return [tree.path / own, tree.path / common]


def _is_unfinished(git_dirs: list[Path]) -> bool:
    """Whether git was killed while it made the worktree; it locks one until it is complete."""
    lock = git_dirs[0] / "locked"
    return lock.exists() and lock.read_text(encoding="utf-8", errors="replace").strip() == "initializing"


def _drop_stale_locks(tree: Worktree, git_dirs: list[Path]) -> None:
    """Remove git's lock files that a killed git left in the worktree, once they outlive our patience."""
    own, common = git_dirs
    locks = [own / "index.lock", own / "HEAD.lock", common / "refs" / "heads" / f"{tree.branch}.lock"]
    _wait_for(lambda: not any(lock.exists() for lock in locks))
    for lock in locks:
        lock.unlink(missing_ok=True)


def _wait_for(over: Callable[[], bool]) -> None:
    # Real time: another program's git is at work in it.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not over() and time.monotonic() < deadline:
        time.sleep(0.02)


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
