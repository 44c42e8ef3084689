"""What git's complaints mean, and what to do about them.

git has no error codes, so its English words are matched; what is not known gets general advice.
"""

from __future__ import annotations

import shlex
from pathlib import Path

# git says these when a filter or another program that it started has ended; not which, and not why.
_CONSEQUENCES = (
    "the remote end hung up unexpectedly", "early EOF", "packet write with format failed",
    "unable to write flush packet", "fetch-pack: invalid index-pack output",
)  # fmt: skip
# How a shell ends its complaint about a program that is not there.
_NO_PROGRAM = (": not found", ": command not found", ": No such file or directory")
_NEWS = ("Preparing worktree", "HEAD is now at", "warning:", "hint:")
_ADVICE = (
    (
        ("dubious ownership",),
        "the folder belongs to another user; if you trust it, run "
        "`git config --global --add safe.directory {folder}`",
    ),
    (
        ("git-lfs", "git lfs", "filter lfs"),
        "install git-lfs and run `git lfs install`; or check it out without LFS by `git lfs uninstall`",
    ),
    (
        ("external filter", "smudge filter", "clean filter", *_CONSEQUENCES),
        "make the filter's program work, or remove the filter from git's configuration and .gitattributes",
    ),
    (("No space left on device", "Disk quota exceeded"), "free some disk space, then try again"),
    (
        ("Permission denied", "Read-only file system", "insufficient permission"),
        "give yourself write access to the repository, then try again",
    ),
    (
        ("index file corrupt", "bad signature", "index file smaller"),
        "remove the damaged index file, then try again",
    ),
    (("Unable to create", ".lock"), "wait until the other git command has ended, then try again"),
)  # fmt: skip


def complaint_of(complaints: str) -> str:
    """The line that says most: the program that is missing, else the first error that is no consequence."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(_NEWS)] or lines or ["it gave no reason"]
    errors = [line for line in told if line.startswith(("fatal:", "error:"))]
    causes = [line for line in errors if not any(words in line for words in _CONSEQUENCES)]
    missing = [line for line in told if line not in errors and line.endswith(_NO_PROGRAM)]
    chosen = [*missing, *causes, *errors, *told][0]
    return chosen.removeprefix("fatal: ").removeprefix("error: ")


def hint_for(complaints: str, folder: Path) -> str:
    """What to do about the complaints of a git command in `folder`."""
    quoted = shlex.quote(str(folder))
    for words, advice in _ADVICE:
        if any(word in complaints for word in words):
            return advice.format(folder=quoted)
    return f"look at the folder with `git -C {quoted} status`, then try again"
