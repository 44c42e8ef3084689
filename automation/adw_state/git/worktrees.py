"""The git worktree and branch of an execution, where its agents work.

Worktrees lie outside `.git`, because agents and their tools refuse to look there. Folder and branch carry
the issue and the execution in their names; ids of any shape are made safe first.

Git keeps two notes of a worktree: its own, `<common dir>/worktrees/<name>/`, with HEAD and index, and the
file `.git` in the worktree, which names the former. Agents can reach the second: a scaffold removes it or
makes a repository there. So our commands are told the former, and the latter is checked before each use.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from adw_state.errors import RepositoryError
from adw_state.gate import Gate
from adw_state.git.command import TIMEOUT_SECONDS, Git, refusing
from adw_state.interruption import StopRequest

_MOST_LETTERS = 48
_PATIENCE_SECONDS = 1.0
_GATE_SECONDS = 60.0
_CHECKED_OUT = re.compile(r"ref: refs/.+|[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Worktree:
    """The worktree of an execution in the repository that has `common_dir`; its path is a real one.

    `stop` and `timeout_seconds` end the git commands that work in it.
    """

    common_dir: Path
    path: Path
    stop: StopRequest = field(default_factory=StopRequest, compare=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        """The worktree's name."""
        return self.path.name

    @property
    def branch(self) -> str:
        """The worktree's branch."""
        return branch_of(self.name)

    @property
    def repository(self) -> Git:
        """Git for what all worktrees share: branches and commits."""
        return Git(self.common_dir, self.common_dir, stop=self.stop, timeout_seconds=self.timeout_seconds)


def safe_name(text: str) -> str:
    """A name of lower-case letters, digits and single dashes that stands for `text` and for no other.

    A text that is such a name already stays as it is; any other gets 8 hex digits of its hash, so that
    "A b" and "a-b", or "x" and "../x", do not meet. The result is never empty and never begins with a
    dash.
    """
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    slug = "-".join(words)
    if slug == text and len(slug) <= _MOST_LETTERS:
        return slug
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug[:_MOST_LETTERS].rstrip('-')}-{digest}".lstrip("-")


def worktree_name(issue_id: str, execution_id: str) -> str:
    """The name of the worktree that belongs to an execution."""
    return f"{safe_name(issue_id)}-{safe_name(execution_id)}"


def branch_of(name: str) -> str:
    """The branch of the worktree of this name."""
    return f"adw/{name}"


def git_of(tree: Worktree) -> Git:
    """Git in the worktree, and nowhere else. Raises `RepositoryError` when its `.git` is not git's own."""
    return Git(tree.path, git_dir_of(tree), stop=tree.stop, timeout_seconds=tree.timeout_seconds)


def git_dir_of(tree: Worktree) -> Path:
    """Git's own folder for the worktree. Raises `RepositoryError` when the worktree's `.git` is another's."""
    git_dir = _registered(tree)
    if git_dir is None:
        raise RepositoryError(
            f"{tree.path} is no worktree of the repository {tree.common_dir} any more",
            hint="resume: the folder is kept under another name, and a new worktree is made",
        )
    open_folder(tree.path)
    if not _points_to(tree.path / ".git", git_dir):
        raise RepositoryError(
            f"the file .git of the worktree {tree.path} was removed or replaced",
            hint="resume: it is repaired, and the files of the worktree are kept as a patch",
        )
    if not _is_sound(tree, git_dir):
        raise RepositoryError(
            f"git's own files in {git_dir} were damaged",
            hint="resume: they are repaired, and the files of the worktree are kept as a patch",
        )
    return git_dir


def ensure_worktree(tree: Worktree, base: str) -> bool:
    """Make the worktree and its branch (at `base`, if it is new), or repair what a crash or an agent left.

    Returns whether it was made, so that nobody has worked in it yet. Only the execution's owner may call
    this, with all of its agents stopped. Raises `RepositoryError`, also when somebody has the branch
    checked out elsewhere.
    """
    refuse_branch_elsewhere(tree)
    git_dir = _registered(tree) or _adopt_moved(tree)
    # A git that a killed run left behind may be about to finish.
    if git_dir is not None and _ended(lambda: not _is_unfinished(git_dir)):
        open_folder(tree.path)
        _repair_pointer(tree, git_dir)
        _repair_git_dir(tree, git_dir)
        drop_stale_locks(tree, git_dir)
        return False
    if git_dir is not None:
        shutil.rmtree(tree.path, ignore_errors=True)
    elif tree.path.exists():
        _move_aside(tree.path)
    _add(tree, base)
    return True


def refuse_branch_elsewhere(tree: Worktree) -> None:
    """Raise `RepositoryError` where another checkout stands on the branch: it would lose its ground."""
    place = tree.repository.run(
        "for-each-ref", "--format=%(worktreepath)", f"refs/heads/{tree.branch}"
    ).removesuffix("\n")
    if place and Path(place).resolve() != tree.path and Path(place).is_dir():
        raise RepositoryError(
            f"the branch {tree.branch} of the run is checked out in {place}, where it must not be moved",
            hint=_how_to_free_the_branch(tree, Path(place)),
        )


def _how_to_free_the_branch(tree: Worktree, place: Path) -> str:
    pointer = _place_of(tree.common_dir / "worktrees" / tree.name)
    if tree.path.exists() or pointer is None or pointer.parent.resolve() != place.resolve():
        return "check out another branch there (`git switch -`), then resume"
    words = ("git", "-C", str(tree.common_dir), "worktree", "move", str(place), str(tree.path))
    return f"it is the run's own worktree: move it back by `{shlex.join(words)}`, then resume"


def head_of(tree: Worktree) -> str:
    """The commit the worktree stands on."""
    return git_of(tree).run("rev-parse", "HEAD").strip()


def drop_stale_locks(tree: Worktree, git_dir: Path) -> None:
    """Remove git's lock files that a killed git left behind, once they outlive our patience."""
    locks = [
        git_dir / "index.lock",
        git_dir / "HEAD.lock",
        tree.common_dir / "refs" / "heads" / f"{tree.branch}.lock",
    ]
    _ended(lambda: not any(lock.exists() for lock in locks))
    for lock in locks:
        lock.unlink(missing_ok=True)


def _add(tree: Worktree, base: str) -> None:
    git = tree.repository
    known = git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{tree.branch}").code == 0
    if not known and git.ask("cat-file", "-e", f"{base}^{{commit}}").code != 0:
        raise RepositoryError(
            f"neither the branch {tree.branch} nor the commit {base} is in the repository {tree.common_dir}",
            hint="bring the branch back, for example by `git fetch`, or start a new run on the issue",
        )
    start = [str(tree.path), tree.branch] if known else ["-b", tree.branch, str(tree.path), base]
    tree.path.parent.mkdir(parents=True, exist_ok=True)
    # One at a time: git stumbles over the worktree that another git is just making.
    with closing(Gate(tree.path.parent, _GATE_SECONDS)) as gate, gate:
        # Twice --force: where the folder is gone, its registration may still be there, even locked.
        git.run("worktree", "add", "--quiet", "--force", "--force", *start)


def _registered(tree: Worktree) -> Path | None:
    """Git's own folder for the worktree, found by what git wrote down, not by what lies in the worktree."""
    for git_dir in _registrations(tree):
        place = _place_of(git_dir)
        if tree.path.is_dir() and place is not None and place.parent.resolve() == tree.path:
            return git_dir
    return None


def _adopt_moved(tree: Worktree) -> Path | None:
    """Git's own folder for a worktree that was moved together with its project; it is told the new place."""
    git_dir = tree.common_dir / "worktrees" / tree.name
    place = _place_of(git_dir)
    if not tree.path.is_dir() or place is None or place.parent.exists():
        return None
    _write_path(git_dir / "gitdir", f"{tree.path / '.git'}")
    return git_dir


def _registrations(tree: Worktree) -> list[Path]:
    """Git's own folders for all worktrees; that of the same name, which is nearly always ours, first."""
    own = tree.common_dir / "worktrees" / tree.name
    folder = own.parent
    others = sorted(path for path in folder.iterdir() if path != own) if folder.is_dir() else []
    return [own, *others]


def _place_of(git_dir: Path) -> Path | None:
    """The file `.git` of the worktree that this folder belongs to."""
    written = _text_of(git_dir / "gitdir")
    return None if not written else git_dir / written


def _points_to(pointer: Path, git_dir: Path) -> bool:
    if pointer.is_symlink() or not pointer.is_file():
        return False
    text = _text_of(pointer) or ""
    return text.startswith("gitdir: ") and (
        (pointer.parent / text.removeprefix("gitdir: ")).resolve() == git_dir.resolve()
    )


def _text_of(file: Path) -> str | None:
    # As bytes, because a path may hold any line end.
    try:
        return os.fsdecode(file.read_bytes()).removesuffix("\n")
    except OSError:
        return None


def _write_path(file: Path, text: str) -> None:
    file.write_bytes(os.fsencode(f"{text}\n"))


def _repair_pointer(tree: Worktree, git_dir: Path) -> None:
    """Put git's file `.git` back; what an agent put in its place is kept beside the worktree."""
    pointer = tree.path / ".git"
    if _points_to(pointer, git_dir):
        return
    with refusing(f"{pointer} cannot be repaired", "check the permissions of the worktree"):
        # A file that only names a place, such as that of a project before it was moved, holds no work.
        names_place = pointer.is_file() and (_text_of(pointer) or "").startswith("gitdir: ")
        if pointer.is_symlink() or (pointer.exists() and not names_place):
            pointer.rename(free_name(tree.path.with_name(f"{tree.name}.git-of-the-agent")))
        _write_path(pointer, f"gitdir: {git_dir}")


def _is_sound(tree: Worktree, git_dir: Path) -> bool:
    """Whether git's own folder for the worktree says what is checked out, and whose worktree it is."""
    head = _text_of(git_dir / "HEAD") or ""
    shared = _text_of(git_dir / "commondir")
    return (
        _CHECKED_OUT.fullmatch(head) is not None
        and shared is not None
        and (git_dir / shared).resolve() == tree.common_dir.resolve()
    )


def _repair_git_dir(tree: Worktree, git_dir: Path) -> None:
    if _is_sound(tree, git_dir):
        return
    written = {
        "HEAD": f"ref: refs/heads/{tree.branch}",
        "commondir": os.path.relpath(tree.common_dir, git_dir),
    }
    with refusing(f"{git_dir} cannot be repaired", "check the permissions of the repository"):
        for name, text in written.items():
            # Whatever a link in its place names is not ours to write to.
            (git_dir / name).unlink(missing_ok=True)
            _write_path(git_dir / name, text)


def _is_unfinished(git_dir: Path) -> bool:
    """Whether git was killed while it made the worktree; it locks one until it is complete."""
    return (_text_of(git_dir / "locked") or "").strip() == "initializing"


def _ended(over: Callable[[], bool]) -> bool:
    """Whether something of another program's git has come to its end, waiting a moment for it."""
    # Real time: another program's git is at work in it.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not over():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _move_aside(folder: Path) -> None:
    """Keep a folder that stands where the worktree belongs, under another name."""
    aside = free_name(folder.with_name(f"{folder.name}.aside"))
    in_the_way = f"{folder} is in the way of a worktree and cannot be moved aside"
    with refusing(in_the_way, "move it away by hand, then try again"):
        folder.rename(aside)
        # It would point at the registration that the new worktree is about to take.
        if (aside / ".git").is_file():
            (aside / ".git").unlink()


def free_name(wanted: Path, ending: str = "") -> Path:
    """The first of `wanted`, `wanted-2`, `wanted-3` … with this ending that nobody has."""
    names = (f"{wanted.name}{'' if number == 1 else f'-{number}'}{ending}" for number in count(1))
    return next(free for free in map(wanted.with_name, names) if not os.path.lexists(free))


def open_folder(folder: Path) -> None:
    """Make a folder readable and writable for its owner, if we may."""
    _allow(folder, os.R_OK | os.W_OK | os.X_OK, 0o700)


def open_file(file: Path) -> None:
    """Make a file readable for its owner, if it is one and no link, and if we may."""
    if not file.is_symlink() and file.is_file():
        _allow(file, os.R_OK, 0o400)


def _allow(path: Path, wanted: int, bits: int) -> None:
    if not os.access(path, wanted):
        with suppress(OSError):
            path.chmod(path.stat().st_mode | bits)
