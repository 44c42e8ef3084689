"""A real project's worktree: what git does not bring along is copied, and the project's commands are run.

It is done once for each worktree, and again when `[worktree]` in `adw.toml` has changed. Commands that a
crash cut off are run again, so this must do no harm, as with `uv sync` or `npm ci`. What they print is kept
in `<run>/.worktree-setup/attempt-N/output.txt`, where N is the place of the command in the list.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from adw_state.agents.calls import CallFolder, call_command, name_of, output_of
from adw_state.configuration.worktrees import WorktreeSettings
from adw_state.errors import AgentError, WorktreeSetupError
from adw_state.git.commits import may_be_committed
from adw_state.git.worktree_notes import note_setup, setup_of
from adw_state.git.worktrees import Worktree, git_of
from adw_state.processes.running import Conditions

# Hidden names, because a phase may have any other.
_FOLDER, _TEARDOWN_FOLDER = ".worktree-setup", ".worktree-teardown"


def prepare_worktree(
    tree: Worktree,
    project: Path,
    settings: WorktreeSettings,
    conditions: Conditions,
    run_folder: Path,
    say: Callable[[str], None],
) -> bool:
    """Copy and run what `settings` name, unless this worktree has it already; whether anything was done.

    Raises `WorktreeSetupError`, or the reason of the conditions' `stop`.
    """
    wanted = _fingerprint(settings) if settings.copy or settings.setup else None
    if wanted in (None, setup_of(tree)):
        return False
    for path in settings.copy:
        _copy(project, tree, path)
    for number, command in enumerate(settings.setup, start=1):
        say(f"preparing the worktree: {name_of(command)}")
        folder = CallFolder(run_folder / _FOLDER / f"attempt-{number}")
        _run(command, folder, _within_time(conditions, settings), "the worktree is not ready")
    note_setup(tree, str(wanted))
    return True


def tear_down_worktree(settings: WorktreeSettings, conditions: Conditions, run_folder: Path) -> None:
    """Run the commands of `teardown`. Raises `WorktreeSetupError` at the first that fails."""
    for number, command in enumerate(settings.teardown, start=1):
        folder = CallFolder(run_folder / _TEARDOWN_FOLDER / f"attempt-{number}")
        _run(command, folder, _within_time(conditions, settings), "the worktree is not torn down")


def _within_time(conditions: Conditions, settings: WorktreeSettings) -> Conditions:
    return replace(conditions, limits=replace(conditions.limits, timeout_seconds=settings.timeout_seconds))


def _run(command: str, folder: CallFolder, conditions: Conditions, consequence: str) -> None:
    hint = (
        f"all it printed is in {output_of(folder)}; fix what it needs, "
        "or [worktree] in adw.toml, which also has timeout_seconds, then try again"
    )
    try:
        end = call_command(command, folder, conditions)
    except AgentError as error:
        raise WorktreeSetupError(f"{consequence}: {error}", hint=hint) from error
    if end.exit_code != 0:
        said = f"; the end of its output:\n{end.tail}" if end.tail else " and printed nothing"
        raise WorktreeSetupError(
            f"{consequence}: the command {name_of(command)} exited with code {end.exit_code}{said}", hint=hint
        )


def _copy(project: Path, tree: Worktree, path: str) -> None:
    """Copy a file or folder; what the worktree has already stays as it is."""
    source, target = project / path, tree.path / path
    if not target.parent.resolve().is_relative_to(tree.path.resolve()):
        raise WorktreeSetupError(
            f"the worktree is not ready: a link leads from {path} out of it",
            hint="take it out of worktree.copy in adw.toml, then resume",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy_if_missing)
        else:
            _copy_if_missing(source, target)
    except OSError as error:
        raise WorktreeSetupError(
            f"the worktree is not ready: {path} cannot be copied from {project}: {error.strerror or error}",
            hint="check the file, or take it out of worktree.copy in adw.toml, then resume",
        ) from error
    _refuse_what_would_be_committed(tree, path)


def _copy_if_missing(source: str | Path, target: str | Path) -> None:
    if not os.path.lexists(target):
        shutil.copy2(source, target)


def _refuse_what_would_be_committed(tree: Worktree, path: str) -> None:
    listed = git_of(tree).run("ls-files", "-z", "--others", "--exclude-standard", "--", path).split("\0")
    shown = [one for one in listed if one and may_be_committed(one)]
    if shown:
        for copied in shown:
            (tree.path / copied).unlink()
        raise WorktreeSetupError(
            f"the worktree is not ready: git does not ignore {shown[0]}, "
            "so the copy would be committed as the agent's work",
            hint="add it to .gitignore, or take it out of worktree.copy in adw.toml, then resume",
        )


def _fingerprint(settings: WorktreeSettings) -> str:
    return hashlib.sha256(json.dumps([settings.copy, settings.setup]).encode()).hexdigest()
