"""`adw run`, `adw resume`, `adw phase`, `adw cancel`: all that works on an execution, or ends its work."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from adw_state.clock import default_clock
from adw_state.commands.options import Command, common
from adw_state.commands.output import print_error, print_json, print_line
from adw_state.commands.standard_streams import exit_code_tells_of_work
from adw_state.configuration.settings import load_config
from adw_state.errors import command_on
from adw_state.trackers.locate import locate_for_run
from adw_state.trackers.repository import find_repository
from adw_state.trackers.tracker import Issue, Location, check_issue_id, read_issue
from adw_state.workflow.cancelling import cancel_execution
from adw_state.workflow.progress import Event, describe
from adw_state.workflow.runner import resume_execution, run_issue, run_phase
from adw_state.workflow.settings import RunOutcome, RunSettings


def typed_text(value: str) -> str:
    """A text for people as it was typed, in UTF-8 whatever the locale; what is none of it is replaced."""
    return os.fsencode(value).decode("utf-8", "replace")


typed_text.__name__ = "text"  # what the help calls it


_agent_option = click.option(
    "--agent", metavar="COMMAND", help="claude, scripted, or any command; the default is in adw.toml."
)
_until_option = click.option("--until", metavar="PHASE", help="Stop when this phase has completed.")
# Those that do not describe the issue are fields of `RunSettings`, by the same names.
_OPTIONS_OF_BEGINNING = (
    _agent_option,
    click.option("--title", type=typed_text, help="What the issue is, where no tracker knows it."),
    click.option(
        "--type", "issue_type", type=typed_text, metavar="TYPE", help="With --title: bug, feature, task, …"
    ),
    click.option("--priority", type=click.IntRange(0, 4), help="With --title: 0 is the most urgent."),
    click.option("--description", type=typed_text, default="", help="With --title: what is to be done."),
    click.option(
        "--workflow",
        metavar="NAME",
        help="The workflow of a new execution, instead of the one in adw.toml.",
    ),
    click.option("--force", is_flag=True, help="Run although another execution or process is at it."),
    click.option("--allow-dirty", is_flag=True, help="Run although tracked files have uncommitted changes."),
    click.option(
        "--base", metavar="REF", help="Begin at this commit, branch or tag instead of where you stand."
    ),
)


def _may_begin(command: Command) -> Command:
    """Give a command the options of all that may begin an execution."""
    for option in reversed(_OPTIONS_OF_BEGINNING):
        command = option(command)
    return command


@click.command()
@click.argument("issue_id", metavar="ISSUE")
@_may_begin
@click.option("--adw-id", metavar="ID", help="The id of the new execution, instead of a fresh one.")
@_until_option
@common
def run(
    *,
    issue_id: str,
    title: str | None,
    issue_type: str | None,
    priority: int | None,
    description: str,
    adw_id: str | None,
    until: str | None,
    db: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Take ISSUE through a workflow: plan, build and review, or what adw.toml defines.

    The work happens in a git worktree and branch of its own, which begin at the commit that is checked
    out where you stand. Kill it anywhere: `adw resume` goes on from the last saved step. Exits with 0 when
    all phases have completed, else with the error's exit code.
    """
    check_issue_id(issue_id)
    how = _run_settings(locate_for_run(db), as_json=as_json, last_phase=until, **settings)
    issue = _issue(how, issue_id, title, issue_type, priority, description)
    _finish(run_issue(how, issue, adw_id=adw_id), as_json=as_json)


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("issue_id", metavar="ISSUE")
@click.argument("adw_id", required=False)
@_may_begin
@common
def phase(
    *,
    name: str,
    issue_id: str,
    adw_id: str | None,
    title: str | None,
    issue_type: str | None,
    priority: int | None,
    description: str,
    db: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Do the phase NAME of ISSUE, such as plan, build or review.

    Without ADW_ID the newest unfinished execution of the issue is meant; the first phase of the workflow
    begins one where there is none.
    """
    check_issue_id(issue_id)
    how = _run_settings(locate_for_run(db), as_json=as_json, **settings)
    read = partial(_issue, how, issue_id, title, issue_type, priority, description)
    _finish(run_phase(how, name, issue_id, adw_id, read), as_json=as_json)


def phase_command(name: str, about: str) -> click.Command:
    """The command that does the phase `name` and no other; `about` is its help text."""

    def command(**given: object) -> None:
        click.get_current_context().invoke(phase, name=name, **given)

    parameters = [parameter for parameter in phase.params if parameter.name != "name"]
    return click.Command(name, params=parameters, callback=command, help=about)


@click.command()
@click.argument("adw_id")
@_agent_option
@_until_option
@click.option("--force", is_flag=True, help="Take it over although its process seems to live.")
@common
def resume(*, adw_id: str, until: str | None, db: str | None, as_json: bool, **settings: Any) -> None:
    """Go on with an execution that was killed, interrupted or has failed, from its last saved step."""
    how = _run_settings(locate_for_run(db), as_json=as_json, last_phase=until, **settings)
    _finish(resume_execution(how, adw_id), as_json=as_json)


@click.command()
@click.argument("adw_id")
@common
def cancel(adw_id: str, db: str | None, as_json: bool) -> None:
    """Stop a run with all that its agents started, and end its execution as cancelled.

    What it committed stays on its branch, and what it changed since in its worktree.
    """
    cancelled = cancel_execution(_run_settings(locate_for_run(db), as_json=as_json), adw_id)
    exit_code_tells_of_work()
    execution = cancelled.execution
    if as_json:
        print_json("adw.cancel/1", execution=execution, told=cancelled.told, stopped=cancelled.stopped)
        return
    for group in cancelled.stopped:
        print_line(f"Stopped what the run had left behind (group {group}).")
    resume = command_on("adw resume", execution.id)
    print_line(f"Cancelled {execution.id}; `{resume}` would go on with it after all.")


def _issue(
    how: RunSettings,
    issue_id: str,
    title: str | None,
    issue_type: str | None,
    priority: int | None,
    description: str,
) -> Issue:
    """The issue as the tracker has it, or as it was told."""
    if title is None:
        return read_issue(how.location, issue_id, how.warn)
    return Issue(issue_id, title, issue_type, priority, description=description)


def _run_settings(location: Location, *, as_json: bool, **given: Any) -> RunSettings:
    """Settings for a run started by hand: lines of progress, on standard error where JSON is wanted."""

    def show(event: Event) -> None:
        line = describe(event)
        if line is not None:
            (print_error if as_json or event.kind == "warning" else print_line)(line)

    return RunSettings(
        location=location,
        config=load_config(location.project, os.environ),
        environ=dict(os.environ),
        clock=default_clock(),
        progress=show,
        here=_standing_in(location),
        **given,
    )


def _standing_in(location: Location) -> Path | None:
    """The folder where the user stands, if it is in a checkout of the project."""
    repository = find_repository(Path.cwd(), os.environ)
    same = repository is not None and repository.project == location.project
    return repository.top if repository is not None and same else None


def _finish(outcome: RunOutcome, *, as_json: bool) -> None:
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
