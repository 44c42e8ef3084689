"""What the three phase scripts have in common: their arguments and options."""

from __future__ import annotations

from dataclasses import replace

import click

from adws.adw_modules.beads.issues import Issue, check_issue_id, read_issue
from adws.adw_modules.beads.locate import locate_for_run
from adws.adw_modules.workflow.runner import run_phase
from adws.commands.options import common, priority_option, title_option, type_option
from adws.commands.run import agent_option, base_option, finish, run_settings


def phase_command(phase: str, about: str) -> click.Command:
    """The command that does one phase; `about` is its help text."""

    @click.command(help=about)
    @click.argument("issue_id", metavar="ISSUE")
    @click.argument("adw_id", required=False)
    @agent_option
    @title_option
    @type_option
    @priority_option
    @click.option("--force", is_flag=True, help="Run although another execution or process is at it.")
    @click.option("--allow-dirty", is_flag=True, help="Begin although tracked files have changes.")
    @base_option
    @common
    def command(
        *,
        issue_id: str,
        adw_id: str | None,
        agent: str | None,
        title: str | None,
        issue_type: str | None,
        priority: int | None,
        force: bool,
        allow_dirty: bool,
        base: str | None,
        db: str | None,
        as_json: bool,
    ) -> None:
        check_issue_id(issue_id)
        location = locate_for_run(db)
        how = replace(
            run_settings(location, as_json=as_json),
            agent=agent,
            force=force,
            allow_dirty=allow_dirty,
            base=base,
        )

        def read() -> Issue:
            if title is not None:
                return Issue(issue_id, title, issue_type, priority)
            return read_issue(location, issue_id, how.warn)

        finish(run_phase(how, phase, issue_id, adw_id, read), as_json=as_json)

    return command
