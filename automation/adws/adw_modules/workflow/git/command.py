"""Running git so that nothing around it changes what it does.

No hooks: the commits of a run are bookkeeping that must be repeatable after a crash, and a hook may
edit files, ask questions or, as bd's do, write to the tracker. The project's hooks have their say when
a person merges or pushes the branch. No signing, for the same reason: nobody is there to type a
passphrase. No automatic gc, no terminal prompts, and none of the GIT_* variables that a surrounding
git command may have set. A terminal's Ctrl-C does not reach git: it runs in a session of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adws.adw_modules.errors import RepositoryError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
# Variables by which one git command tells another where it works.
_LOCATORS = frozenset(
    ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY",
     "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_PARAMETERS")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What one git command said: its exit code, output and the first line of its complaint."""

    code: int
    output: str
    complaint: str


def git(directory: Path, *arguments: str, text: str = "") -> str:
    """Run git in `directory` with `text` on its standard input; return its output.

    Raises `RepositoryError` when git fails. Bytes that are not UTF-8 come back as surrogates, so paths
    survive the way in and out.
    """
    answer = ask_git(directory, *arguments, text=text)
    if answer.code != 0:
        raise RepositoryError(
            f"git {arguments[0]} failed in {directory}: {answer.complaint}",
            hint="look at the folder with `git status`, then try again",
        )
    return answer.output


def ask_git(directory: Path, *arguments: str, text: str = "") -> GitAnswer:
    """Run git in `directory` and return its answer, also when it fails."""
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", *settings, "--literal-pathspecs", *arguments],
            cwd=directory,
            input=os.fsencode(text),
            capture_output=True,
            env=git_environment(os.environ),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if not directory.is_dir():
            raise RepositoryError(f"there is no folder {directory}", hint="check the path") from error
        raise RepositoryError("git is not installed", hint="install git and try again") from error
    return GitAnswer(done.returncode, os.fsdecode(done.stdout), _complaint(os.fsdecode(done.stderr)))


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a git command of ours: no foreign locators, no prompts, messages in English."""
    kept = without_git_locators(environ)
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
    }


def without_git_locators(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the variables that would send a git command to another repository."""
    return {name: value for name, value in environ.items() if name not in _LOCATORS}


def _complaint(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    chosen = next(
        (line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else ""
    )
    return chosen.removeprefix("fatal: ").removeprefix("error: ") or "it gave no reason"
