"""Cleaning up after runs that are over: their worktrees and branches go, their work stays."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from adw_state.errors import AdwError
from adw_state.git.branches import has_branch, is_merged, remove_branch, remove_worktree, uncommitted
from adw_state.git.repository import Repository, check_repository
from adw_state.git.worktrees import Worktree
from adw_state.interruption import StopRequest
from adw_state.record.json_runs import hold_run
from adw_state.record.records import Records, Seen
from adw_state.run_root import agents_folder
from adw_state.state import Execution
from adw_state.store.records import UNFINISHED
from adw_state.workflow.requests import refuse_other_place
from adw_state.workflow.settings import RunSettings, conditions_in, worktree_of
from adw_state.workflow.worktree_setup import tear_down_worktree


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of the worktree and the branch of one run.

    `stays_because` says why they are still there. `kept_in` says where work was kept that was not committed
    or not merged: a patch, a folder, a name of git's.
    """

    execution_id: str
    issue_id: str
    branch: str
    worktree: Path
    stays_because: str | None = None
    kept_in: tuple[str, ...] = ()


def clean_runs(
    settings: RunSettings, execution_ids: Iterable[str], *, force: bool = False, dry_run: bool = False
) -> list[Cleaned]:
    """Remove the worktrees and branches of runs; what became of each that had any.

    They stay where the run is not over, and where work is not committed or not merged, unless `force` is
    set: then the work is kept elsewhere. `dry_run` changes nothing. What prevents it stands in the result.
    """
    with closing(Records(settings.location, settings.config, settings.clock, settings.warn)) as records:
        seen = [records.look_at(execution_id) for execution_id in execution_ids]
        if not seen:
            return []
        repository = check_repository(settings.location.project, allow_dirty=True)
        cleaned = [_clean(settings, repository, one, force=force, dry_run=dry_run) for one in seen]
    return [one for one in cleaned if one is not None]


def _clean(
    settings: RunSettings, repository: Repository, seen: Seen, *, force: bool, dry_run: bool
) -> Cleaned | None:
    execution = seen.execution
    tree = worktree_of(settings, repository, execution, StopRequest())
    if not tree.path.is_dir() and not has_branch(tree):
        return None
    told = Cleaned(execution.id, execution.issue_id, tree.branch, tree.path)
    folder = agents_folder(settings.location.project) / execution.id
    try:
        # A copied project has the runs, and their worktrees' names, of the one that it was copied from.
        refuse_other_place(execution, seen.request, settings.location.project, "adw clean")
        with hold_run(folder):
            why = _why_not(settings, execution, tree, force=force)
            if why is not None:
                return replace(told, stays_because=why)
            return told if dry_run else replace(told, kept_in=_remove(settings, tree, folder, force=force))
    except AdwError as error:
        return replace(told, stays_because=str(error))


def _why_not(settings: RunSettings, execution: Execution, tree: Worktree, *, force: bool) -> str | None:
    if execution.status in UNFINISHED:
        return f"the run is not over: it is {execution.status.replace('_', ' ')}"
    if force:
        return None
    changed = uncommitted(tree) if tree.path.is_dir() else []
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]}{more} is not committed"
    if not is_merged(tree, settings.location.project):
        return "its commits are not merged"
    return None


def _remove(settings: RunSettings, tree: Worktree, folder: Path, *, force: bool) -> tuple[str, ...]:
    """Remove worktree and branch; where work was kept."""
    merged = is_merged(tree, settings.location.project)
    places: list[str | None] = []
    if tree.path.is_dir():
        try:
            tear_down_worktree(settings.config.worktree, conditions_in(settings, tree), folder)
        except AdwError:
            if not force:
                raise
        places.append(remove_worktree(tree, folder))
    places.append(remove_branch(tree, merged=merged))
    return tuple(place for place in places if place)
