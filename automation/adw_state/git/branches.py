"""The branch of a run once the run is over: what it holds, whether it is merged, and how it goes."""

from __future__ import annotations

from pathlib import Path

from adw_state.errors import RepositoryError
from adw_state.git.command import Git
from adw_state.git.leftovers import set_aside_leftovers
from adw_state.git.worktrees import Worktree, git_of

# Where commits stay that no branch holds: out of sight, and safe from git's clearing up.
_KEPT = "refs/adw/kept/"


def tip_of(tree: Worktree) -> str | None:
    """The newest commit of the branch, also of one that `remove_branch` kept; None where there is none."""
    for name in (f"refs/heads/{tree.branch}", f"{_KEPT}{tree.name}"):
        found = tree.repository.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found.code == 0:
            return found.output.strip()
    return None


def has_branch(tree: Worktree) -> bool:
    """Whether the branch is there."""
    return tree.repository.ask("show-ref", "--verify", "--quiet", f"refs/heads/{tree.branch}").code == 0


def is_merged(tree: Worktree, checkout: Path) -> bool:
    """Whether another branch, a tag or the commit of `checkout` holds the work of the branch.

    A squashed merge counts: it is there if merging the branch once more would change nothing.
    """
    tip = tip_of(tree)
    if tip is None:
        return True
    holders = tree.repository.run(
        "for-each-ref", f"--contains={tip}", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags"
    )
    if set(holders.split()) - {f"refs/heads/{tree.branch}"}:
        return True
    here = Git(checkout, stop=tree.stop, timeout_seconds=tree.timeout_seconds)
    if here.ask("merge-base", "--is-ancestor", tip, "HEAD").code == 0:
        return True
    merged = here.ask("merge-tree", "--write-tree", "HEAD", tip)  # git 2.38 and newer
    return merged.code == 0 and merged.output.strip() == here.run("rev-parse", "HEAD^{tree}").strip()


def uncommitted(tree: Worktree) -> list[str]:
    """The paths of the worktree that differ from its commit and that git does not ignore."""
    listed = git_of(tree).run("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    return [entry[3:] for entry in listed.split("\0") if entry]


def remove_worktree(tree: Worktree, folder: Path) -> str:
    """Remove the worktree; what it holds beyond its branch is kept in `folder` first. Returns where.

    Raises `RepositoryError`; then the worktree still holds what was not kept.
    """
    tip = tip_of(tree)
    places = set_aside_leftovers(tree, tip, folder, "cleaned").places if tip else ""
    left = uncommitted(tree)
    if left:
        raise RepositoryError(
            f"{left[0]} in {tree.path} may hold secrets, so it is not kept elsewhere",
            hint="move it away or delete it, then clean again",
        )
    tree.repository.run("worktree", "remove", "--force", "--force", str(tree.path))
    return places


def remove_branch(tree: Worktree, *, merged: bool) -> str | None:
    """Remove the branch; where its work is not merged, the name under which its commits stay."""
    tip = tip_of(tree)
    if tip is None:
        return None
    kept = None if merged else f"{_KEPT}{tree.name}"
    if kept:
        tree.repository.run("update-ref", kept, tip)
    # Not where it has moved since.
    tree.repository.run("update-ref", "-d", f"refs/heads/{tree.branch}", tip)
    return kept


def diff_of(tree: Worktree, base: str, tip: str, *, stat: bool = False) -> str:
    """What changed from one commit to another: as a patch, or only the files with the number of lines."""
    return tree.repository.run("diff", *(["--stat=100"] if stat else []), base, tip, "--")


def changed_files(tree: Worktree, base: str, tip: str) -> list[str]:
    """The paths that changed from one commit to another."""
    return [
        path for path in tree.repository.run("diff", "--name-only", "-z", base, tip, "--").split("\0") if path
    ]
