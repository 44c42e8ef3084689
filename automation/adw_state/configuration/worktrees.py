"""How the worktree of a run is prepared: the table `[worktree]` of `adw.toml`.

    [worktree]
    copy = [".env"]                      # from the project into the worktree: what git does not bring along
    setup = ["uv sync"]                  # shell commands in the worktree, before the first agent
    teardown = ["docker compose down"]   # shell commands in the worktree, before `adw clean` removes it
    timeout_seconds = 900                # for each command

A command that takes longer than its time is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from adw_state.configuration.file import ConfigurationFile, Fault, shown, unknown_name

_MOST_SECONDS = 1e9


class WorktreeSettings(NamedTuple):
    """How worktrees are prepared: paths from the project, shell commands, and seconds for each of these."""

    copy: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    teardown: tuple[str, ...] = ()
    timeout_seconds: float = 900.0


def read_worktree_settings(file: ConfigurationFile) -> tuple[WorktreeSettings, list[Fault]]:
    """The settings of the table, as far as they can be read, and what is wrong with them."""
    table = file.values.get("worktree", {})
    if not isinstance(table, Mapping):
        return WorktreeSettings(), [
            file.fault(("worktree",), f"worktree must be a table, not {shown(table)}")
        ]
    settings, faults = WorktreeSettings(), []
    for key, value in table.items():
        wrong, hint = _wrong(key, value)
        if wrong:
            faults.append(file.fault(("worktree", key), wrong, hint))
        else:
            checked: Any = tuple(value) if isinstance(value, list) else float(value)
            settings = settings._replace(**{key: checked})
    return settings, faults


def _wrong(key: str, value: Any) -> tuple[str, str | None]:
    """What is wrong with a key of the table, and what to do about it; an empty text if nothing is."""
    label = f"worktree.{key}"
    if key not in WorktreeSettings._fields:
        return f"{shown(key)} is no key of [worktree]", unknown_name(key, WorktreeSettings._fields)
    if key == "timeout_seconds":
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _MOST_SECONDS
        return ("" if good else f"{label} must be a positive number, not {shown(value)}"), None
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        return f"{label} must be a list of texts, not {shown(value)}", None
    if any("\0" in one for one in value):
        return f"{label} holds a NUL character", None
    outside = [one for one in value if key == "copy" and not _is_inside(one)]
    if outside:
        return (
            f"{label} names {shown(outside[0])}, which is not in the project",
            "name files and folders by their path from the top of the project, such as .env",
        )
    return "", None


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and parts[0] != ".git"
