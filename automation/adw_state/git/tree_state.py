"""What an agent changed in its worktree: the difference of its files and its index to a commit.

The index counts as well as the files, because some of an agent's work is only there: an ignored file
added by force, an executable bit on a file system without them, a submodule. Some files count as modified
right after they were checked out (line ends that an attribute would convert, files stored in LFS by
half, names that differ in case alone). They are written down before an agent begins, and as long as they
stay as they were, they are nobody's change.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adw_state.errors import RepositoryError
from adw_state.git.command import Git, refusing
from adw_state.git.worktrees import (
    Worktree,
    drop_stale_locks,
    git_dir_of,
    git_of,
    open_folder,
    refuse_branch_elsewhere,
)
from adw_state.text_files import replace_file

# How many blanks stand before the path in an entry of `git status --porcelain=v2`, after its kind.
_FIELDS_BEFORE_PATH = {"1": 7, "u": 9, "?": 0}
_AT_CHECKOUT = "adw-modified-at-checkout.json"
_CLOSED_FOLDER = re.compile(r"^warning: could not open directory '(.*)': Permission denied$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs from the commit that the worktree stands on.

    `in_index` says that the index holds all of it already; `nested` that it is a repository of its own
    that no commit can hold; `submodule` that it is one, and `unsaved` that changes inside are not
    committed there; `made_executable` that the index alone says that the file may be executed.
    """

    path: str
    in_index: bool = False
    nested: bool = False
    submodule: bool = False
    unsaved: bool = False
    made_executable: bool = False


def stand_on_branch(tree: Worktree, commit: str) -> tuple[Change, ...]:
    """Point the branch at `commit` and stand on it; return what files and index hold beyond it.

    This takes back commits, branch switches, merges and hidden files of an agent, and keeps its files and
    its index as they are, but for files that are as they were at checkout. Raises `RepositoryError`.
    """
    git, git_dir = git_of(tree), git_dir_of(tree)
    refuse_branch_elsewhere(tree)
    drop_stale_locks(tree, git_dir)
    _repair_index(git, git_dir / "index", commit)
    git.run("symbolic-ref", "HEAD", f"refs/heads/{tree.branch}")
    git.run("update-ref", f"refs/heads/{tree.branch}", commit)
    _show_hidden_files(git)
    found, known = _status(git), _modified_at_checkout(git_dir / _AT_CHECKOUT)
    untouched = {
        change.path
        for change in found
        if change.path in known and _fingerprint(tree.path / change.path) == known[change.path]
    }
    unstage(git, commit, untouched)
    return tuple(change for change in found if change.path not in untouched)


def _repair_index(git: Git, index: Path, commit: str) -> None:
    """Make an index that an agent removed or damaged anew, so that no file counts as taken out of git."""
    if index.exists():
        # Reads the index and lists nothing.
        if git.ask("ls-files", "--", ".git").code == 0 or not os.access(index, os.R_OK):
            return
        index.unlink()
    git.run("read-tree", commit)


def note_checkout(tree: Worktree) -> None:
    """Write down which files count as modified although no agent has been here since the checkout."""
    git = git_of(tree)
    files = [change.path for change in _status(git) if _is_plain_file(tree.path / change.path)]
    prints = {path: _fingerprint(tree.path / path) for path in files}
    note = git_dir_of(tree) / _AT_CHECKOUT
    hint = "check the permissions and the free disk space of the repository"
    with refusing(f"{note} cannot be written", hint):
        replace_file(note, json.dumps(prints))


def _status(git: Git) -> list[Change]:
    """What git lists as changed; folders that it cannot open, and would pass over, are opened first."""
    opened = set[str]()
    while True:
        answer = git.checked(
            "status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames",
            "--ignore-submodules=none",
        )  # fmt: skip
        closed = set(_CLOSED_FOLDER.findall(answer.complaints))
        if not closed:
            return [_change(entry) for entry in filter(None, answer.output.split("\0")) if entry[0] != "#"]
        if closed <= opened:
            raise RepositoryError(
                f"the folder {git.folder / min(closed)} cannot be opened, so what is in it cannot be kept",
                hint="give yourself access to it, then resume",
            )
        for folder in closed:
            open_folder(git.folder / folder)
        opened |= closed


def _change(entry: str) -> Change:
    kind, _, rest = entry.partition(" ")
    *fields, path = rest.split(" ", _FIELDS_BEFORE_PATH[kind])
    if kind == "?":
        # git ends the names of folders with a slash, and lists one only where it is a repository.
        return Change(path.rstrip("/"), nested=path.endswith("/"))
    state, submodule = fields[:2]
    modes = tuple(fields[2:5]) if kind == "1" else ("", "", "")
    return Change(
        path,
        in_index=state[1] == ".",
        submodule=submodule.startswith("S"),
        unsaved=submodule.startswith("S") and ("M" in submodule or "U" in submodule),
        made_executable=modes[0] != "100755" and modes[1:] == ("100755", "100644"),
    )


def _show_hidden_files(git: Git) -> None:
    """Let git see changes to files that an agent told it to overlook."""
    listed = git.run("ls-files", "-v", "-z")
    entries = [(entry[0], entry[2:]) for entry in filter(None, listed.split("\0"))]
    overlooked = [path for mark, path in entries if mark.islower()]
    skipped = [path for mark, path in entries if mark in "Ss" and (git.folder / path).is_file()]
    for option, paths in (("--no-assume-unchanged", overlooked), ("--no-skip-worktree", skipped)):
        if paths:
            git.run("update-index", option, "-z", "--stdin", text=nul_separated(paths))


def unstage(git: Git, base: str, paths: Iterable[str]) -> None:
    """Bring these paths of the index back to what `base` holds; their files stay as they are."""
    listed = nul_separated(paths)
    if listed:
        git.run("reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", base, text=listed)


def nul_separated(paths: Iterable[str]) -> str:
    """Paths as git takes them on its standard input."""
    return "".join(f"{path}\0" for path in paths)


def _modified_at_checkout(note: Path) -> dict[str, str]:
    try:
        saved = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return saved if isinstance(saved, dict) else {}


def _is_plain_file(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _fingerprint(file: Path) -> str:
    """What a file holds, and whether it may be executed; empty where it is no plain file."""
    if not _is_plain_file(file):
        return ""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return f"{digest} {int(os.access(file, os.X_OK))}"
