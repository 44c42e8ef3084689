"""What git's complaints mean, and what to do about them.

git has no error codes, so its English words are matched; what is not known gets general advice.
"""

from __future__ import annotations

import shlex
from pathlib import Path

# git says these when a program that it started ended; the line before says which and why.
_CONSEQUENCES = ("the remote end hung up unexpectedly", "early EOF", "fetch-pack: invalid index-pack output")
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
        ("external filter", "smudge filter", "clean filter"),
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
    """The line that says most: the first error, or the line before it where it only tells a consequence."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(_NEWS)] or lines
    place = next((at for at, line in enumerate(told) if line.startswith(("fatal:", "error:"))), 0)
    if place > 0 and any(words in told[place] for words in _CONSEQUENCES):
        place -= 1
    chosen = told[place] if told else ""
    return chosen.removeprefix("fatal: ").removeprefix("error: ") or "it gave no reason"


def hint_for(complaints: str, folder: Path) -> str:
    """What to do about the complaints of a git command in `folder`."""
    quoted = shlex.quote(str(folder))
    for words, advice in _ADVICE:
        if any(word in complaints for word in words):
            return advice.format(folder=quoted)
    return f"look at the folder with `git -C {quoted} status`, then try again"
