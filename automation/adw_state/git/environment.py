"""The environment of git commands: nothing in it says where git works, as whom, or on which paths.

A git hook, `git rebase --exec` or a shell of the user's may set `GIT_DIR`, `GIT_INDEX_FILE`,
`GIT_LITERAL_PATHSPECS`, `GIT_AUTHOR_NAME` and many more. All of them are dropped but those that say how
git reaches its own programs, its configuration files and other machines.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_KEPT = frozenset(
    (
        "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_TEMPLATE_DIR",
    )
)  # fmt: skip
_KEPT_PREFIXES = ("GIT_SSL_", "GIT_HTTP_", "GIT_LFS_")
# The one setting that containers carry in the environment because git reads it from no repository.
_SAFE_DIRECTORY = "safe.directory"


def without_git_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the variables that would lead a git command astray."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }


def agent_environment(environ: Mapping[str, str], worktree: Path) -> dict[str, str]:
    """`environ` for an agent that works in `worktree`.

    Its git commands do not look for a repository above the worktree, even if it removes its `.git`: the
    next one upwards is the user's own checkout.
    """
    return {**without_git_variables(environ), "GIT_CEILING_DIRECTORIES": os.path.realpath(worktree.parent)}


def command_environment(environ: Mapping[str, str], ceiling: Path | None) -> dict[str, str]:
    """`environ` for a git command of ours: it asks nothing, says all in English and locks only to write.

    git looks for a repository in no folder above `ceiling`.
    """
    added = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
    }
    if ceiling is not None:
        added["GIT_CEILING_DIRECTORIES"] = os.path.realpath(ceiling)
    return {**without_git_variables(environ), **added}


def safe_directories(environ: Mapping[str, str]) -> list[str]:
    """The folders that `environ` tells git to trust, whoever owns them."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    numbers = range(min(int(count), 1000)) if count.isascii() and count.isdigit() else range(0)
    return [
        environ.get(f"GIT_CONFIG_VALUE_{number}", "")
        for number in numbers
        if environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == _SAFE_DIRECTORY
    ]
