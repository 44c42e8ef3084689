"""Settings of the user's repository that an agent can change, and that break the user's checkout."""

from __future__ import annotations

from adw_state.git.worktrees import Worktree

_BREAKING = r"^(core\.(bare|worktree|repositoryformatversion)|extensions\..*)$"


def breaking_settings(tree: Worktree) -> str:
    """The settings that say whether the repository has a checkout, where, and who can read it."""
    config = str(tree.common_dir / "config")
    return tree.repository.ask("config", "--file", config, "--get-regexp", _BREAKING).output


def how_they_changed(before: str, after: str) -> str:
    """The settings that came, went or changed, as text; empty where none did."""
    old, new = before.splitlines(), after.splitlines()
    gone = [f"without {line}" for line in old if line not in new]
    return ", ".join([*(f"with {line}" for line in new if line not in old), *gone])
