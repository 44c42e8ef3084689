"""`adw run` and `adw resume`: take an issue through the phases of a workflow, or go on with a run."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from adw_state.clock import default_clock
from adw_state.commands.options import (
    common,
    priority_option,
    settings,
    title_option,
    type_option,
    typed_text,
)
from adw_state.commands.output import print_error, print_json, print_line
from adw_state.commands.standard_streams import exit_code_tells_of_work
from adw_state.errors import command_on
from adw_state.trackers.locate import locate_for_run
from adw_state.trackers.repository import find_repository
from adw_state.trackers.tracker import Issue, Location, check_issue_id, read_issue
from adw_state.workflow.progress import Event, describe
from adw_state.workflow.runner import RunOutcome, RunSettings, resume_execution, run_issue

agent_option = click.option(
    "--agent", metavar="COMMAND", help="claude, scripted, or any command; the default is in adw.toml."
)

base_option = click.option(
    "--base", metavar="REF", help="Begin at this commit, branch or tag instead of where you stand."
)

workflow_option = click.option(
    "--workflow", metavar="NAME", help="The workflow of a new execution, instead of the one in adw.toml."
)
until_option = click.option("--until", metavar="PHASE", help="Stop when this phase has completed.")


@click.command()
@click.argument("issue_id", metavar="ISSUE")
@agent_option
@click.option("--adw-id", metavar="ID", help="The id of the new execution, instead of a fresh one.")
@title_option
@type_option
@priority_option
@click.option("--description", type=typed_text, default="", help="With --title: what is to be done.")
@workflow_option
@until_option
@click.option("--force", is_flag=True, help="Run although another execution holds the issue.")
@click.option("--allow-dirty", is_flag=True, help="Run although tracked files have uncommitted changes.")
@base_option
@common
def run(
    issue_id: str,
    agent: str | None,
    adw_id: str | None,
    title: str | None,
    issue_type: str | None,
    priority: int | None,
    description: str,
    workflow: str | None,
    until: str | None,
    force: bool,
    allow_dirty: bool,
    base: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Take ISSUE through a workflow: plan, build and review, or what adw.toml defines.

    The work happens in a git worktree and branch of its own, which begin at the commit that is checked
    out where you stand. Kill it anywhere: `adw resume` goes on
    from the last saved step. Exits with 0 when all phases have
    completed, else with the error's exit code.
    """
    location = locate_for_run(db)
    check_issue_id(issue_id)
    how = replace(
        run_settings(location, as_json=as_json),
        workflow=workflow,
        agent=agent,
        force=force,
        allow_dirty=allow_dirty,
        base=base,
        last_phase=until,
    )
    issue = (
        read_issue(location, issue_id, how.warn)
        if title is None
        else Issue(issue_id, title, issue_type, priority, description=description)
    )
    finish(run_issue(how, issue, adw_id=adw_id), as_json=as_json)


@click.command()
@click.argument("adw_id")
@agent_option
@until_option
@click.option("--force", is_flag=True, help="Take it over although its process seems to live.")
@common
def resume(
    adw_id: str, agent: str | None, until: str | None, force: bool, db: str | None, as_json: bool
) -> None:
    """Go on with an execution that was killed, interrupted or has failed, from its last saved step."""
    how = run_settings(locate_for_run(db), as_json=as_json)
    how = replace(how, agent=agent, force=force, last_phase=until)
    finish(resume_execution(how, adw_id), as_json=as_json)


def run_settings(location: Location, *, as_json: bool) -> RunSettings:
    """Settings for a run started by hand: lines of progress, on standard error where JSON is wanted."""

    def show(event: Event) -> None:
        line = describe(event)
        if line is not None:
            (print_error if as_json or event.kind == "warning" else print_line)(line)

    return RunSettings(
        location=location,
        config=settings(location),
        environ=dict(os.environ),
        clock=default_clock(),
        progress=show,
        here=_standing_in(location),
    )


def _standing_in(location: Location) -> Path | None:
    """The folder where the user stands, if it is in a checkout of the project."""
    repository = find_repository(Path.cwd(), os.environ)
    same = repository is not None and repository.project == location.project
    return repository.top if repository is not None and same else None


def finish(outcome: RunOutcome, *, as_json: bool) -> None:
    """Print how a run ended, and leave with its exit code."""
    exit_code_tells_of_work()
    execution = outcome.execution
    resume = command_on("adw resume", execution.id)
    if as_json:
        error = str(outcome.error) if outcome.error else None
        print_json("adw.run/1", execution=execution, status=outcome.status, error=error)
    elif outcome.status == "completed":
        show = command_on("adw show", execution.id)
        print_line(f"Branch {execution.branch_name} holds the work; `{show}` tells the rest.")
    elif outcome.error is not None:
        print_error(f"Error: {outcome.error}")
        advice = outcome.error.hint or "remove the cause, then resume"
        print_error(f"  What to do: {advice} (`{resume}`)")
    else:
        print_line(f"Stopped after {execution.phase}; `{resume}` goes on.")
    sys.exit(outcome.exit_code)
