"""The scratch project that `adw demo` works in: a git repository with a tracker and ten issues."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adw_state.clock import Clock
from adw_state.errors import InvalidInputError, TrackerUnusableError
from adw_state.git.command import Git, without_git_variables
from adw_state.temporary_files import new_temporary_folder
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue

_PREFIX = "demo"
_FILES = {
    "README.md": "# Greeter\n\nSays hello. A small project for agents to work on.\n",
    "greeter.py": 'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n',
    ".gitignore": ".beads/\n.claude/\n.codex/\n__pycache__/\n",
}


@dataclass(frozen=True, slots=True)
class DemoProject:
    """The scratch project: its folder, its tracker in words, and its issues under their real ids."""

    folder: Path
    tracker: str
    issues: tuple[Issue, ...]


def make_project(parent: Path | None, issues: Sequence[Issue], clock: Clock) -> DemoProject:
    """Make the project in a new folder below `parent` (the temp folder by default).

    The tracker is made by the `bd` on the PATH, so that it is whatever this machine really uses; without
    one, it is a file in the shape of bd 0.49's, which a real bd can open and upgrade.
    """
    folder = _new_folder(parent, clock)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "Begin the greeter")
    bd = shutil.which("bd")
    if bd is not None:
        return _with_bd(bd, folder, issues)
    create_beads_database(folder / ".beads" / "beads.db", _PREFIX, issues, clock.now())
    return DemoProject(folder, "a tracker file of our own making (no bd on the PATH)", tuple(issues))


def _new_folder(parent: Path | None, clock: Clock) -> Path:
    name = f"adw-demo-{clock.now():%Y%m%d-%H%M%S}-"
    try:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        return Path(os.path.realpath(new_temporary_folder(name, parent)))
    except OSError as error:
        raise InvalidInputError(
            f"no folder can be made in {parent}: {error.strerror}",
            hint="name a folder that you may write to: `adw demo --into DIRECTORY`",
        ) from error


def _with_bd(bd: str, folder: Path, issues: Sequence[Issue]) -> DemoProject:
    version = _bd(bd, folder, "version").splitlines()[0].strip()
    _bd(bd, folder, "init", "--prefix", _PREFIX)
    _git(folder, "add", "--all")  # bd has written its settings, and has committed or not
    _git(folder, "commit", "--quiet", "--allow-empty", "--message", "Set up the tracker")
    made = [replace(issue, id=_create(bd, folder, issue)) for issue in issues]
    return DemoProject(folder, f"the bd on the PATH ({version})", tuple(made))


def _create(bd: str, folder: Path, issue: Issue) -> str:
    answer = _bd(
        bd, folder, "create", issue.title,
        "--type", issue.issue_type or "task", "--priority", str(issue.priority),
        "--description", issue.description, "--json",
    )  # fmt: skip
    try:
        return str(json.loads(answer)["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise TrackerUnusableError(
            f"`bd create --json` answered something else: {answer[:200]}",
            hint="try with another version of bd",
        ) from error


def _bd(bd: str, folder: Path, *arguments: str) -> str:
    environ = {**scratch_environment(), "BD_NON_INTERACTIVE": "1"}
    try:
        done = subprocess.run(
            [bd, *arguments],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrackerUnusableError(f"`bd {arguments[0]}` did not work: {error}") from error
    if done.returncode != 0:
        raise TrackerUnusableError(
            f"`bd {arguments[0]}` failed: {(done.stderr or done.stdout).strip()[:300]}",
            hint="take bd off the PATH to use a tracker file of our own making",
        )
    return done.stdout


def scratch_environment() -> dict[str, str]:
    """The environment without what the user, or a git hook around us, has set for another project.

    Programs that call git themselves, as bd does, are told to run no hooks: one could call the
    demonstration again.
    """
    foreign = ("ADW_", "BD_", "BEADS_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
    kept = {
        name: value
        for name, value in without_git_variables(os.environ).items()
        if not name.startswith(foreign)
    }
    no_hooks = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": os.devnull,
    }
    return {**kept, **no_hooks, "BEADS_NO_DAEMON": "1"}


def _git(folder: Path, *arguments: str) -> None:
    Git(folder, settings=("user.name=adw demo", "user.email=demo@example.invalid")).run(*arguments)
