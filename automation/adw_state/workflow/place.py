"""The place of a run: the project whose repository it was begun in.

A run belongs to one project, one worktree and one branch. It goes on there, and nowhere else: not in
another repository that shares the tracker, in a copy of the project, or in a sibling worktree of a bare
repository, where a second agent would work on a branch of the same name. A project that was moved as a
whole takes its runs along.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from adw_state.errors import RepositoryError, command_on
from adw_state.git.command import Git
from adw_state.git.worktrees import worktree_name
from adw_state.run_root import trees_folder
from adw_state.state import Execution
from adw_state.store.json_values import JSON
from adw_state.text_files import path_text

_PROJECT, _BASE_COMMIT = "project", "base_commit"
# From a worktree up to the project, in the layouts that have a name of their own: trees, their root.
_LEVELS_TO_PROJECT = 2


def with_place(request: JSON, project: Path, base_commit: str) -> JSON:
    """A run's request with the place it is begun in, as it is saved."""
    fields = request if isinstance(request, dict) else {}
    return {**fields, _PROJECT: path_text(project), _BASE_COMMIT: base_commit}


def refuse_other_place(execution: Execution, request: JSON, project: Path) -> None:
    """Raise `RepositoryError` where the execution is at home in another project than `project`."""
    home = _home(execution, request)
    if home is None or home == path_text(project) or not _holds(Path(home), execution):
        return
    command = f"cd {shlex.quote(home)} && {command_on('adw resume', execution.id)}"
    raise RepositoryError(
        f"execution {execution.id} works in {home}, not in {project}", hint=f"go on there: `{command}`"
    )


def new_worktree_path(project: Path, issue_id: str, execution_id: str) -> Path:
    """Where a new execution will work."""
    return (trees_folder(project) / worktree_name(issue_id, execution_id)).resolve()


def worktree_path_of(execution: Execution, project: Path) -> Path:
    """Where an execution works: where it did before, unless its project was moved since."""
    recorded = Path(execution.worktree_path) if execution.worktree_path else None
    if recorded is not None and recorded.is_dir():
        return recorded.resolve()
    return new_worktree_path(project, execution.issue_id, execution.id)


def _home(execution: Execution, request: JSON) -> str | None:
    """The project that an execution was begun in, as far as it was saved."""
    saved = request.get(_PROJECT) if isinstance(request, dict) else None
    if isinstance(saved, str):
        return saved
    if execution.worktree_path is None:
        return None
    folders = Path(execution.worktree_path).parents
    return str(folders[_LEVELS_TO_PROJECT]) if len(folders) > _LEVELS_TO_PROJECT else None


def _holds(home: Path, execution: Execution) -> bool:
    """Whether a folder is still the home of an execution, and not only a path where that once was."""
    if not home.is_dir():
        return False
    branch = f"refs/heads/{execution.branch_name}"
    return Git(home).ask("rev-parse", "--verify", "--quiet", branch).code == 0
