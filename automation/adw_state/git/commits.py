"""One commit per step, recognised again after a crash.

A step's commit carries two trailers, `Adw-Execution` and `Adw-Step`. When the process was killed between
the commit and the checkpoint, the step finds its own commit and adopts it. What is committed is the
difference of files and index to the step's base, however an agent moved branches about; so an agent
that commits by itself still makes one commit of ours.

The commit is made by git's plumbing, which asks nobody: no hook, no sparse checkout, no unfinished merge
of an agent's and no odd name of the user's stands in its way. `git add` would leave out ignored files and
what a sparse checkout hides, so `git update-index` stages them. Never committed are the tracker's folder,
because trackers write there by themselves, and files that hold credentials by custom (`.env`, `.mcp.json`,
private keys), also where the project tracks them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from adw_state.errors import GitFailedError, PhaseFailedError
from adw_state.git.command import Git
from adw_state.git.tree_state import Change, nul_separated, stand_on_branch, unstage
from adw_state.git.worktrees import Worktree, git_of, head_of, open_file
from adw_state.trackers.tracker import Issue

_MOST_SUBJECT = 72
_MOST_FILES_LISTED = 500
_FALLBACK_NAME, _FALLBACK_EMAIL = "ADW", "adw@localhost"
# git refuses a name that holds nothing but these.
_NO_NAME = " .,:;<>\"'\\" + "".join(map(chr, range(32)))
_SECRET_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".mcp.json", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
    "credentials.json", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa",
    "id_ed25519",
)  # fmt: skip
# Templates that are made to be committed.
_EXAMPLE_FILES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env")
_TRACKER_FOLDER = ".beads"
# Patches are git's own, whatever the user's diff settings are, so that `git apply` takes them.
_PATCH_OPTIONS = (
    "-r", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
    "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0",
    "--submodule=short", "--ignore-submodules=none", "--diff-algorithm=default",
    "--ws-error-highlight=none", "--output-indicator-new=+", "--output-indicator-old=-",
    "--output-indicator-context= ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepCommit:
    """A step's commit: its hash, the files it changed (at most 500), how many, and what was left out.

    `left_out` tells the reason of each path that was left out.
    """

    commit: str
    files: tuple[str, ...]
    files_changed: int
    left_out: dict[str, str] = field(default_factory=dict)


def commit_step(
    tree: Worktree, *, base: str, execution_id: str, step: str, message: str, only: str | None = None
) -> StepCommit:
    """Commit what the worktree holds beyond `base` as one commit; adopt the commit if it is made already.

    `only` is the one path to commit, even where the project ignores it; if it is as it was at `base`, no
    commit is made and `base` is returned. Raises `PhaseFailedError` when there is nothing to commit, or
    something that no commit can hold.
    """
    git = git_of(tree)
    made = _find_commit(tree, base, execution_id, step)
    left_out: dict[str, str] = {}
    if made is None:
        changes = stand_on_branch(tree, base)
        text = f"{message}\n\nAdw-Execution: {execution_id}\nAdw-Step: {step}\n"
        if only is not None:
            _stage_one(tree, git, base, only)
        else:
            left_out = {change.path: why for change in changes if (why := _why_left_out(change.path))}
            _stage_all(git, base, changes, left_out)
        made = _commit(git, base, text)
        _move_branch(tree, git, base, made)
    files = git.run("diff-tree", "-r", "--name-only", "--no-renames", "-z", base, made).split("\0")[:-1]
    shown = tuple(_as_text(path) for path in files[:_MOST_FILES_LISTED])
    return StepCommit(made, shown, len(files), {_as_text(path): why for path, why in left_out.items()})


def commit_message(verb: str, issue: Issue) -> str:
    """The subject of a step's commit: the verb, the issue's id and as much of its title as fits.

    Characters that are not printable, which git refuses or a terminal obeys, become blanks.
    """
    told = f"{verb} {issue.id}: {issue.title}".encode("utf-8", "replace").decode()
    subject = " ".join("".join(c if c.isprintable() else " " for c in told).split())
    return subject if len(subject) <= _MOST_SUBJECT else subject[: _MOST_SUBJECT - 1].rstrip() + "…"


def rehearse_commit(tree: Worktree) -> None:
    """Make a commit that nobody sees, to know before an agent is paid that its work can be committed.

    Raises `RepositoryError` when the repository takes no commit: no room, no permission.
    """
    git = git_of(tree)
    head = head_of(tree)
    _commit_tree(git, f"{head}^{{tree}}", head, "Rehearsal\n")


def _find_commit(tree: Worktree, base: str, execution_id: str, step: str) -> str | None:
    """The commit after `base` on the branch that carries this execution's and step's trailers."""
    log = tree.repository.ask(
        "log", "-z", "--no-show-signature", "--no-color", "--no-mailmap",
        "--format=%H%n%(trailers:key=Adw-Execution,key=Adw-Step)", f"{base}..refs/heads/{tree.branch}",
    )  # fmt: skip
    for entry in filter(None, log.output.split("\0")):
        commit, *trailers = entry.splitlines()
        if f"Adw-Execution: {execution_id}" in trailers and f"Adw-Step: {step}" in trailers:
            return commit
    return None


def _stage_all(git: Git, base: str, changes: Sequence[Change], left_out: Collection[str]) -> None:
    wanted = [change for change in changes if change.path not in left_out]
    for change in wanted:
        _refuse_what_no_commit_holds(change)
    if not wanted and left_out:
        path = _as_text(next(iter(left_out)))
        raise PhaseFailedError(f"the agent changed nothing but {path}, which is never committed")
    if not wanted:
        raise PhaseFailedError("the agent ended without changing a file")
    stage(git, wanted)
    unstage(git, base, left_out)


def _refuse_what_no_commit_holds(change: Change) -> None:
    path = _as_text(change.path)
    if change.nested:
        raise PhaseFailedError(
            f"the agent made a git repository in {path}, and no commit of the run can hold its files",
            hint=f"resume: the agent is told so; or remove {path}/.git by hand and resume",
        )
    if change.unsaved:
        raise PhaseFailedError(
            f"the agent changed files inside the submodule {path} and did not commit them there, so no "
            "commit of the run can hold them",
            hint="resume: the agent is told so, and can commit inside the submodule",
        )


def _stage_one(tree: Worktree, git: Git, base: str, path: str) -> None:
    file = tree.path / path
    if file.is_symlink() or not file.is_file():
        raise PhaseFailedError(f"the agent ended without writing {path}")
    git.run("reset", "--quiet", "--mixed", base)
    stage(git, [Change(path)])


def _commit(git: Git, base: str, message: str) -> str:
    """Commit the index on top of `base`; return `base` where the index holds nothing new."""
    tree = git.run("write-tree").strip()
    if tree == git.run("rev-parse", f"{base}^{{tree}}").strip():
        return base
    return _commit_tree(git, tree, base, message)


def _commit_tree(git: Git, tree: str, parent: str, message: str) -> str:
    named = replace(git, settings=_identity(git))
    return named.run("commit-tree", tree, "-p", parent, text=message).strip()


def _move_branch(tree: Worktree, git: Git, base: str, commit: str) -> None:
    if commit == base:
        return
    git.run("update-ref", "-m", "adw: commit of a step", f"refs/heads/{tree.branch}", commit, base)
    # A merge or a pick that the agent left unfinished is over now.
    git.run("reset", "--quiet", "--mixed", commit)


def _identity(git: Git) -> tuple[str, ...]:
    """Settings that name author and committer: the user, where git accepts the name that it knows."""
    listed = git.ask("config", "-z", "--get-regexp", r"^(author|committer|user)\.(name|email)$").output
    # Of a setting that is listed twice, the last counts.
    known = dict(entry.split("\n", 1) for entry in listed.split("\0") if "\n" in entry)
    settings = []
    for role in ("author", "committer"):
        for part, fallback in (("name", _FALLBACK_NAME), ("email", _FALLBACK_EMAIL)):
            candidates = (known.get(f"{section}.{part}", "") for section in (role, "user"))
            usable = next((text for text in candidates if text.strip(_NO_NAME)), fallback)
            settings.append(f"{role}.{part}={usable}")
    return tuple(settings)


def _as_text(path: str) -> str:
    """A path as text that any store takes: bytes that are not UTF-8 become question marks."""
    return os.fsencode(path).decode("utf-8", "replace")


def may_be_committed(path: str) -> bool:
    """Whether a path (relative to the worktree) is neither secret by custom nor the tracker's."""
    return _why_left_out(path) is None


def _why_left_out(path: str) -> str | None:
    """Why a path may not be committed, to be read after the path; None where it may."""
    if path.partition("/")[0] == _TRACKER_FOLDER:
        return "it belongs to the tracker"
    name = path.rpartition("/")[2].lower()
    secret = name not in _EXAMPLE_FILES and any(fnmatch(name, pattern) for pattern in _SECRET_FILES)
    return "it may hold secrets" if secret else None


def stage(git: Git, changes: Sequence[Change]) -> None:
    """Bring the index to what the files hold; where only the index says executable, that stays."""
    top = git.folder
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
