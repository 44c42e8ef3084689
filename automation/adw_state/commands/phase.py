"""`adw phase`, and what the scripts in `adws/adw_phases/` call: one phase of an execution."""

from __future__ import annotations

from dataclasses import replace

import click

from adw_state.commands.options import common, priority_option, title_option, type_option
from adw_state.commands.run import agent_option, base_option, finish, run_settings, workflow_option
from adw_state.trackers.locate import locate_for_run
from adw_state.trackers.tracker import Issue, check_issue_id, read_issue
from adw_state.workflow.runner import run_phase


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("issue_id", metavar="ISSUE")
@click.argument("adw_id", required=False)
@agent_option
@title_option
@type_option
@priority_option
@workflow_option
@click.option("--force", is_flag=True, help="Run although another execution or process is at it.")
@click.option("--allow-dirty", is_flag=True, help="Begin although tracked files have changes.")
@base_option
@common
def phase(
    *,
    name: str,
    issue_id: str,
    adw_id: str | None,
    agent: str | None,
    title: str | None,
    issue_type: str | None,
    priority: int | None,
    workflow: str | None,
    force: bool,
    allow_dirty: bool,
    base: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Do the phase NAME of ISSUE, such as plan, build or review.

    Without ADW_ID the newest unfinished execution of the issue is meant; the first phase of the workflow
    begins one where there is none.
    """
    check_issue_id(issue_id)
    location = locate_for_run(db)
    how = replace(
        run_settings(location, as_json=as_json),
        workflow=workflow,
        agent=agent,
        force=force,
        allow_dirty=allow_dirty,
        base=base,
    )

    def read() -> Issue:
        if title is not None:
            return Issue(issue_id, title, issue_type, priority)
        return read_issue(location, issue_id, how.warn)

    finish(run_phase(how, name, issue_id, adw_id, read), as_json=as_json)


def phase_command(name: str, about: str) -> click.Command:
    """The command that does the phase `name` and no other; `about` is its help text."""

    def command(**given: object) -> None:
        click.get_current_context().invoke(phase, name=name, **given)

    parameters = [parameter for parameter in phase.params if parameter.name != "name"]
    return click.Command(name, params=parameters, callback=command, help=about)
