"""The user's repository: whether a run may start there, and from which commit; what an agent broke in it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from adw_state.errors import RepositoryError
from adw_state.git.command import Git, GitAnswer, hint_for, refusing
from adw_state.git.worktrees import Worktree
from adw_state.interruption import StopRequest
from adw_state.run_root import hidden_folders

# Left out of the question whether the work tree is clean: trackers write there all the time.
_TRACKER_FOLDER = ".beads/"
_BREAKING = r"^(core\.(bare|worktree|repositoryformatversion)|extensions\..*)$"


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository that a run can start from: what its work trees share, and the commit to start at."""

    common_dir: Path
    start: str


def check_repository(
    here: Path, *, base: str | None = None, allow_dirty: bool = False, stop: StopRequest | None = None
) -> Repository:
    """The repository whose checkout holds `here`, where the user stands; changes nothing.

    A run starts at the commit that `base` names, else at the one checked out in `here`. Raises
    `RepositoryError` when there is no repository, it is bare, has no such commit, or has changes to
    tracked files that a run, which starts from a commit, would not see. Changes do not matter where
    `base` is given or `allow_dirty` is set. Raises the reason of `stop` when that is asked for.
    """
    git = Git(here, stop=stop or StopRequest())
    common_dir = _common_dir(git)
    start = _start(git, base)
    if base is None and not allow_dirty:
        _refuse_changes(git)
    return Repository(common_dir, start)


def hide_run_folders(repository: Repository, project: Path) -> None:
    """Keep what runs leave in the project out of `git status`, without editing a tracked file."""
    exclude = repository.common_dir / "info" / "exclude"
    with refusing(f"{exclude} cannot be written", "make it writable, then try again"):
        present = exclude.read_bytes() if exclude.exists() else b""
        missing = [line for line in hidden_folders(project) if line.encode() not in present.splitlines()]
        if missing:
            exclude.parent.mkdir(exist_ok=True)
            gap = b"" if present.endswith(b"\n") or not present else b"\n"
            with exclude.open("ab") as file:
                file.write(gap + "".join(f"{line}\n" for line in missing).encode())


def _common_dir(git: Git) -> Path:
    answer = git.ask("rev-parse", "--git-common-dir")
    if answer.code != 0:
        raise RepositoryError(
            f"{git.folder} cannot be used as a git repository: {answer.complaint}",
            hint=_hint_without_repository(answer, git.folder),
        )
    common_dir = (git.folder / answer.output.removesuffix("\n")).resolve()
    if git.ask("rev-parse", "--is-inside-work-tree").output.strip() != "true":
        raise _without_files(git, common_dir)
    return common_dir


def _hint_without_repository(answer: GitAnswer, folder: Path) -> str:
    if "not a git repository" in answer.complaints:
        return "run inside a git repository; `git init` and a first commit make one"
    return hint_for(answer.complaints, folder)


def _without_files(git: Git, common_dir: Path) -> RepositoryError:
    quoted = shlex.quote(str(git.folder))
    bare = git.ask("rev-parse", "--is-bare-repository").output.strip() == "true"
    # A file `.git` that names a bare repository is a common layout, for which core.bare is set on purpose.
    if bare and (git.folder / ".git").is_dir():
        return RepositoryError(
            f"{git.folder} has files, but core.bare in {common_dir / 'config'} says that it has none",
            hint=f"if nobody set it on purpose: `git -C {quoted} config core.bare false`",
        )
    if bare:
        return RepositoryError(
            f"{git.folder} is a bare repository, which has no files to work on",
            hint=f"run in a worktree of it: `git -C {quoted} worktree list` shows them, "
            "and `git worktree add` makes one",
        )
    return RepositoryError(
        f"{git.folder} is inside a git directory, which has no files to work on",
        hint="change to the project's folder and run there",
    )


def _start(git: Git, base: str | None) -> str:
    name = "HEAD" if base is None else base
    found = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.code == 0:
        return found.output.strip()
    if base is not None:
        raise RepositoryError(
            f"{base!r} names no commit of the repository {git.folder}",
            hint="name a branch, a tag or a commit; `git branch --all` lists the branches",
        )
    raise RepositoryError(
        f"the repository {git.folder} has no commits, so a run has nothing to start from",
        hint="make a first commit: `git commit --allow-empty -m 'First commit'`",
    )


def _refuse_changes(git: Git) -> None:
    listed = git.run(
        "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules"
    )
    changed = [entry[3:] for entry in listed.split("\0") if entry]
    changed = [path for path in changed if not path.startswith(_TRACKER_FOLDER)]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RepositoryError(
            f"{git.folder} has changes that are not committed: {changed[0]!r}{more}",
            hint="commit or stash them, or start from the last commit without them by --allow-dirty",
        )


def breaking_settings(tree: Worktree) -> str:
    """The settings that say whether the repository has a checkout, where, and who can read it."""
    config = str(tree.common_dir / "config")
    return tree.repository.ask("config", "--file", config, "--get-regexp", _BREAKING).output


def how_they_changed(before: str, after: str) -> str:
    """The settings that came, went or changed, as text; empty where none did."""
    old, new = before.splitlines(), after.splitlines()
    gone = [f"without {line}" for line in old if line not in new]
    return ", ".join([*(f"with {line}" for line in new if line not in old), *gone])
