"""Where the files of a project's runs lie: states and prompts, logs, and the worktrees.

    <root>/agents/<adw_id>/       JSON state, prompts and answers of the agents
    <root>/agents/.json_only/     an empty file for each run whose JSON state has more than the database knows
    <root>/logs/…/execution.log   what people and log analysis read
    <root>/trees/<name>/          the git worktrees in which agents work

The root is `automation/` of the project where it has such a folder, and `.adw/` where it has not: build
tools and test runners look into ordinary folders, and take a worktree's files for the project's own. The
setting `run_folder` in `adw.toml` names another.

A run is noted as JSON only before anything of it is written to JSON alone, while the database is away, so an
end at any moment loses nothing; `recovery/json_states.py` brings it in when the database is back.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from adw_state.configuration.settings import load_config
from adw_state.errors import ConfigurationError
from adw_state.text_files import writing

_HIDDEN_ROOT = ".adw"
_SHARED_ROOT = "automation"
_FOLDERS = ("agents", "logs", "trees")
_JSON_ONLY = ".json_only"


def run_root(project: Path) -> Path:
    """The root of the files of a project's runs; it may not exist yet. Raises `ConfigurationError`."""
    chosen = load_config(project, os.environ).run_folder
    if chosen:
        return Path(os.path.normpath(project / chosen))
    hidden = project / _HIDDEN_ROOT
    # A project that gets a folder `automation` later keeps its runs where they are.
    if (hidden / "agents").is_dir() or not (project / _SHARED_ROOT).is_dir():
        return hidden
    return project / _SHARED_ROOT


def check_run_root(project: Path) -> None:
    """Raise `ConfigurationError` where the folders of runs cannot be made; makes none."""
    root = run_root(project)
    for folder in (root / name for name in _FOLDERS):
        present = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        usable = os.access(present, os.W_OK | os.X_OK)
        if not usable or not present.is_dir():
            in_the_way = not present.is_dir()
            remedy = "move away what is in its place" if in_the_way else f"make {present} writable"
            reason = os.strerror(errno.ENOTDIR if in_the_way else errno.EACCES)
            raise ConfigurationError(
                f"runs cannot keep their files in {root}: {present}: {reason}",
                hint=f"{remedy}, or name another folder by run_folder in adw.toml",
            )


def agents_folder(project: Path) -> Path:
    """Where the states of a project's runs lie."""
    return run_root(project) / "agents"


def logs_folder(project: Path) -> Path:
    """Where the logs of a project's runs lie."""
    return run_root(project) / "logs"


def trees_folder(project: Path) -> Path:
    """Where the worktrees of a project's runs lie."""
    return run_root(project) / "trees"


def hidden_folders(project: Path) -> list[str]:
    """Lines for git's list of ignored files: the folders of runs that lie in the project."""
    root = run_root(project)
    if not root.is_relative_to(project):
        return []
    if root == project / _HIDDEN_ROOT:
        return [f"/{_HIDDEN_ROOT}/"]
    # Of a folder that is not ours alone, only what is ours is hidden.
    return ["/" + (root / name).relative_to(project).as_posix() + "/" for name in _FOLDERS]


def note_json_only(project: Path, execution_id: str) -> None:
    """Note that from now on this run is written to its JSON state alone. Raises `StateFileError`."""
    mark = agents_folder(project) / _JSON_ONLY / execution_id
    with writing(mark):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def json_only_runs(project: Path) -> list[str]:
    """The runs that are noted."""
    try:
        return sorted(mark.name for mark in (agents_folder(project) / _JSON_ONLY).iterdir())
    except (OSError, ConfigurationError):
        return []


def forget_json_only(project: Path, execution_id: str) -> None:
    """The database knows all of this run."""
    (agents_folder(project) / _JSON_ONLY / execution_id).unlink(missing_ok=True)
