"""One commit per step, recognised again after a crash.

A step's commit carries two trailers, `Adw-Execution` and `Adw-Step`. When the process was killed between
`git commit` and the checkpoint, the step finds its own commit and adopts it. What is committed is the
difference of the files to the step's base, however an agent moved branches and index about; so an agent
that commits by itself still makes one commit of ours.

Never committed: ignored files, the tracker's folder, nested repositories, and files that hold
credentials by custom (`.env`, `.mcp.json`, private keys), also where they are tracked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from adws.adw_modules.errors import PhaseFailedError
from adws.adw_modules.workflow.git import ask_git, git
from adws.adw_modules.workflow.worktrees import Worktree, head_of, stand_on_branch

SECRET_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".mcp.json", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
    "credentials.json", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa",
    "id_ed25519",
)  # fmt: skip
# Templates that are made to be committed.
_EXAMPLE_FILES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env")
_MOST_FILES_LISTED = 500


@dataclass(frozen=True, slots=True)
class StepCommit:
    """A step's commit: its hash, the files it changed (at most 500), how many, and what was left out."""

    commit: str
    files: tuple[str, ...]
    files_changed: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The paths in a worktree that differ from a commit: those that may be committed, and the others."""

    wanted: tuple[str, ...]
    left_out: tuple[str, ...]


def commit_step(
    tree: Worktree, *, base: str, execution_id: str, step: str, message: str, only: str | None = None
) -> StepCommit:
    """Commit what the worktree holds beyond `base` as one commit; adopt the commit if it is made already.

    `only` is the one path to commit, even where the project ignores it; if it is as it was at `base`, no
    commit is made and `base` is returned. Raises `PhaseFailedError` when there is nothing to commit.
    """
    made = _find_commit(tree, base, execution_id, step)
    if made is None:
        stand_on_branch(tree, base)
        if only is None:
            _stage_all(tree)
        else:
            _stage_one(tree, only)
        if ask_git(tree.path, "diff", "--cached", "--quiet", base).code != 0:
            _commit(tree, f"{message}\n\nAdw-Execution: {execution_id}\nAdw-Step: {step}\n")
        made = head_of(tree)
    files = [path for path in git(tree.path, "diff", "--name-only", "-z", base, made).split("\0") if path]
    shown = tuple(_as_text(path) for path in files[:_MOST_FILES_LISTED])
    left_out = tuple(_as_text(path) for path in changes_since(tree).left_out)
    return StepCommit(made, shown, len(files), left_out)


def changes_since(tree: Worktree) -> Changes:
    """The changed and new paths of the worktree against its HEAD; ignored files do not count."""
    listed = git(
        tree.path,
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--ignore-submodules=dirty",
    )
    paths = [entry[3:] for entry in listed.split("\0") if entry]
    left_out = [path for path in paths if not may_be_committed(path)]
    return Changes(tuple(path for path in paths if path not in set(left_out)), tuple(left_out))


def may_be_committed(path: str) -> bool:
    """Whether a path (relative to the worktree) is neither secret by custom nor the tracker's."""
    name = path.rstrip("/").rpartition("/")[2].lower()
    if path.endswith("/") or path.startswith(".beads/"):
        return False
    secret = any(fnmatch(name, pattern) for pattern in SECRET_FILES)
    return not secret or name in _EXAMPLE_FILES


def set_aside_leftovers(tree: Worktree, base: str, patch: Path) -> bool:
    """Save what the worktree holds beyond `base` as a patch, and put the worktree back to `base`.

    Returns whether there was anything. Files that may not be committed go into no patch; untracked ones
    of them stay where they are, as ignored files do.
    """
    stand_on_branch(tree, base)
    changes = changes_since(tree)
    if changes.wanted:
        _stage(tree, changes.wanted)
        patch.parent.mkdir(parents=True, exist_ok=True)
        content = git(tree.path, "diff", "--cached", "--binary", base)
        patch.write_bytes(os.fsencode(content))
    git(tree.path, "reset", "--quiet", "--hard", base)
    return bool(changes.wanted)


def _find_commit(tree: Worktree, base: str, execution_id: str, step: str) -> str | None:
    """The commit after `base` on the branch that carries this execution's and step's trailers."""
    log = ask_git(
        tree.path, "log", "-z", "--format=%H%n%(trailers:key=Adw-Execution,key=Adw-Step)",
        f"{base}..refs/heads/{tree.branch}",
    )  # fmt: skip
    for entry in filter(None, log.output.split("\0")):
        commit, *trailers = entry.splitlines()
        if f"Adw-Execution: {execution_id}" in trailers and f"Adw-Step: {step}" in trailers:
            return commit
    return None


def _stage_all(tree: Worktree) -> None:
    changes = changes_since(tree)
    if changes.wanted:
        _stage(tree, changes.wanted)
    elif changes.left_out:
        raise PhaseFailedError(
            f"the agent changed nothing but {changes.left_out[0]}, which is never committed"
        )
    else:
        raise PhaseFailedError("the agent ended without changing a file")


def _stage_one(tree: Worktree, path: str) -> None:
    if not (tree.path / path).is_file():
        raise PhaseFailedError(f"the agent ended without writing {path}")
    git(tree.path, "add", "--force", "--", path)


def _stage(tree: Worktree, paths: tuple[str, ...]) -> None:
    listed = "".join(f"{path}\0" for path in paths)
    git(tree.path, "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", text=listed)


def _commit(tree: Worktree, message: str) -> None:
    identity = []
    for key, fallback in (("user.name", "ADW"), ("user.email", "adw@localhost")):
        if ask_git(tree.path, "config", "--get", key).code != 0:
            identity += ["-c", f"{key}={fallback}"]
    git(
        tree.path,
        *identity,
        "commit",
        "--quiet",
        "--no-verify",
        "--cleanup=whitespace",
        "--file=-",
        text=message,
    )


def _as_text(path: str) -> str:
    """A path as text that any store takes: bytes that are not UTF-8 become question marks."""
    return os.fsencode(path).decode("utf-8", "replace")
