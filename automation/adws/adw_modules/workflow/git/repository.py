"""Whether a run may start in this repository, and what it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adws.adw_modules.errors import RepositoryError
from adws.adw_modules.workflow.git.command import ask_git, git

# Left out of the question whether the work tree is clean: trackers write there all the time.
_TRACKER_FOLDER = ".beads/"
# What runs leave in the project, and git must not show as untracked.
RUN_FOLDERS = ("/automation/agents/", "/automation/logs/", "/automation/trees/")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository that a run can start from."""

    project: Path
    common_dir: Path
    head: str


def check_repository(project: Path, *, allow_dirty: bool = False) -> Repository:
    """The repository at `project`, the top of its main work tree; changes nothing.

    Raises `RepositoryError` when it is none, is bare, has no commits, or (unless `allow_dirty`) has
    changes to tracked files that a run, which starts from the last commit, would not see.
    """
    answer = ask_git(project, "rev-parse", "--is-bare-repository", "--git-common-dir")
    if answer.code != 0:
        raise RepositoryError(
            f"{project} cannot be used as a git repository: {answer.complaint}",
            hint="run inside a git repository; `git init` and a first commit make one",
        )
    bare, common_dir = answer.output.splitlines()
    if bare == "true":
        raise RepositoryError(
            f"{project} is a bare repository, which has no files to work on",
            hint="clone it and run in the clone",
        )
    head = ask_git(project, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head.code != 0:
        raise RepositoryError(
            f"the repository {project} has no commits, so a run has nothing to start from",
            hint="make a first commit: `git commit --allow-empty -m 'First commit'`",
        )
    if not allow_dirty:
        _refuse_changes(project)
    return Repository(project, (project / common_dir).resolve(), head.output.strip())


def hide_run_folders(repository: Repository) -> None:
    """Keep what runs leave behind out of `git status`, without editing a tracked file."""
    exclude = repository.common_dir / "info" / "exclude"
    try:
        present = exclude.read_text(encoding="utf-8", errors="replace") if exclude.exists() else ""
        missing = [folder for folder in RUN_FOLDERS if folder not in present.splitlines()]
        if missing:
            exclude.parent.mkdir(exist_ok=True)
            gap = "" if present.endswith("\n") or not present else "\n"
            with exclude.open("a", encoding="utf-8") as file:
                file.write(gap + "".join(f"{folder}\n" for folder in missing))
    except OSError as error:
        raise RepositoryError(
            f"{exclude} cannot be written: {error.strerror}", hint="make it writable, then try again"
        ) from error


def _refuse_changes(project: Path) -> None:
    listed = git(
        project, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules"
    )
    changed = [entry[3:] for entry in listed.split("\0") if entry]
    changed = [path for path in changed if not path.startswith(_TRACKER_FOLDER)]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RepositoryError(
            f"{project} has changes that are not committed: {changed[0]!r}{more}",
            hint="commit or stash them, or start from the last commit without them by --allow-dirty",
        )
