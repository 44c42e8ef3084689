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
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from adws.adw_modules.errors import PhaseFailedError
from adws.adw_modules.workflow.git.command import ask_git, git
from adws.adw_modules.workflow.git.worktrees import TreeState, Worktree, head_of, look_at, stand_on_branch

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


def commit_step(
    tree: Worktree, *, base: str, execution_id: str, step: str, message: str, only: str | None = None
) -> StepCommit:
    """Commit what the worktree holds beyond `base` as one commit; adopt the commit if it is made already.

    `only` is the one path to commit, even where the project ignores it; if it is as it was at `base`, no
    commit is made and `base` is returned. Raises `PhaseFailedError` when there is nothing to commit.
    """
    made = _find_commit(tree, base, execution_id, step)
    state = look_at(tree) if made else stand_on_branch(tree, base)
    if made is None:
        text = f"{message}\n\nAdw-Execution: {execution_id}\nAdw-Step: {step}\n"
        made = _commit_one(tree, base, only, text) if only else _commit_all(tree, state, text)
    files = [path for path in git(tree.path, "diff", "--name-only", "-z", base, made).split("\0") if path]
    shown = tuple(_as_text(path) for path in files[:_MOST_FILES_LISTED])
    left_out = tuple(_as_text(path) for path in state.changed if not may_be_committed(path))
    return StepCommit(made, shown, len(files), left_out)


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
    state = stand_on_branch(tree, base)
    wanted = [path for path in state.changed if may_be_committed(path)]
    if wanted:
        _stage(tree, wanted)
        patch.parent.mkdir(parents=True, exist_ok=True)
        patch.write_bytes(os.fsencode(git(tree.path, "diff", "--cached", "--binary", base)))
    if state.changed:
        git(tree.path, "reset", "--quiet", "--hard", base)
    return bool(wanted)


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


def _commit_all(tree: Worktree, state: TreeState, message: str) -> str:
    wanted = [path for path in state.changed if may_be_committed(path)]
    if not wanted and state.changed:
        raise PhaseFailedError(
            f"the agent changed nothing but {_as_text(state.changed[0])}, which is never committed"
        )
    if not wanted:
        raise PhaseFailedError("the agent ended without changing a file")
    _stage(tree, wanted)
    return _commit(tree, message)


def _commit_one(tree: Worktree, base: str, path: str, message: str) -> str:
    if not (tree.path / path).is_file():
        raise PhaseFailedError(f"the agent ended without writing {path}")
    git(tree.path, "add", "--force", "--", path)
    unchanged = ask_git(tree.path, "diff", "--cached", "--quiet", base).code == 0
    return base if unchanged else _commit(tree, message)


def _stage(tree: Worktree, paths: Sequence[str]) -> None:
    listed = "".join(f"{path}\0" for path in paths)
    git(tree.path, "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", text=listed)


def _commit(tree: Worktree, message: str) -> str:
    known = ask_git(tree.path, "config", "--get-regexp", r"^user\.(name|email)$").output
    identity = []
    for key, fallback in (("user.name", "ADW"), ("user.email", "adw@localhost")):
        if key not in known:
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
    return head_of(tree)


def _as_text(path: str) -> str:
    """A path as text that any store takes: bytes that are not UTF-8 become question marks."""
    return os.fsencode(path).decode("utf-8", "replace")
