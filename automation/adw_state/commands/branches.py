"""`adw diff` and `adw clean`: what runs left in git."""

from __future__ import annotations

import os
import sys

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common, open_state, settings
from adw_state.commands.output import print_json, print_line, print_raw, print_table
from adw_state.errors import RepositoryError, command_on
from adw_state.git.branches import changed_files, diff_of, tip_of
from adw_state.git.repository import check_repository
from adw_state.interruption import StopRequest
from adw_state.state import BeadsStateManager
from adw_state.trackers.tracker import Location
from adw_state.workflow.cleaning import Cleaned, clean_runs
from adw_state.workflow.settings import RunSettings, worktree_of

_MOST_RUNS = 10_000


@click.command()
@click.argument("adw_id")
@click.option("--stat", is_flag=True, help="Only the files, and how many lines changed.")
@common
def diff(adw_id: str, stat: bool, db: str | None, as_json: bool) -> None:
    """Show what the run ADW_ID has committed."""
    location, state = open_state(db)
    with state:
        execution = state.require_execution(adw_id)
    repository = check_repository(location.project, allow_dirty=True)
    tree = worktree_of(_run_settings(location), repository, execution, StopRequest())
    tip, base = tip_of(tree), execution.base_commit
    if tip is None or base is None:
        raise RepositoryError(
            f"the run {execution.id} has no branch in {location.project}",
            hint=f"`{command_on('adw show', execution.id)}` tells where it worked",
        )
    if as_json:
        files = changed_files(tree, base, tip)
        print_json("adw.diff/1", execution_id=execution.id, base=base, tip=tip, files=files)
    else:
        print_raw(diff_of(tree, base, tip, stat=stat))


@click.command()
@click.argument("adw_ids", metavar="[ADW_ID]...", nargs=-1)
@click.option("--force", is_flag=True, help="Also with work that is not committed or not merged; it is kept.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@common
def clean(adw_ids: tuple[str, ...], force: bool, dry_run: bool, db: str | None, as_json: bool) -> None:
    """Remove the worktrees and branches of completed and cancelled runs.

    A failed run, which can still be resumed, is cleaned where its ADW_ID is given. Work that is not
    committed, or not merged into a branch, keeps both. With --force they go, and the work is kept: as a patch
    in the run's folder, and as git's refs/adw/kept/… Files that git ignores go.
    """
    location, state = open_state(db)
    with state:
        wanted = _executions(state, adw_ids)
    results = clean_runs(_run_settings(location), wanted, force=force, dry_run=dry_run)
    if as_json:
        print_json("adw.clean/1", dry_run=dry_run, runs=results)
    else:
        _print(results, dry_run=dry_run)
    sys.exit(1 if adw_ids and any(one.stays_because for one in results) else 0)


def _executions(state: BeadsStateManager, adw_ids: tuple[str, ...]) -> list[str]:
    if adw_ids:
        return [state.require_execution(adw_id).id for adw_id in adw_ids]
    return [
        execution.id
        for status in ("completed", "cancelled")
        for execution in state.list_executions(status=status, limit=_MOST_RUNS)
    ]


def _run_settings(location: Location) -> RunSettings:
    return RunSettings(location, settings(location), dict(os.environ), default_clock())


def _print(results: list[Cleaned], *, dry_run: bool) -> None:
    if not results:
        print_line("No run that is over has a worktree or a branch.")
        return
    done = "would be removed" if dry_run else "removed"
    rows = [
        [
            one.execution_id,
            one.issue_id,
            one.branch,
            f"stays: {one.stays_because}" if one.stays_because else done,
        ]
        for one in results
    ]
    print_table(
        "Worktrees and branches", ["execution", "issue", "branch", "result"], rows, flexible=["result"]
    )
    for one in results:
        for place in one.kept_in:
            print_line(f"What {one.execution_id} had not committed or merged is kept in {place}")
