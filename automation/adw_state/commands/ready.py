"""`adw ready`: which issues can be worked on now."""

from __future__ import annotations

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common
from adw_state.commands.output import print_error, print_json, print_table
from adw_state.trackers.locate import locate_for_run
from adw_state.trackers.tracker import ready_issues


@click.command()
@common
def ready(db: str | None, as_json: bool) -> None:
    """List the issues that can be worked on now, the most urgent first.

    They are open, not deferred till later, and wait for no other issue, as `bd ready` has it. Issues that a
    run is at work on stay open in the tracker and are listed, too.
    """
    location = locate_for_run(db)
    issues = ready_issues(location, default_clock().now(), lambda text: print_error(f"warning: {text}"))
    if as_json:
        print_json("adw.ready/1", tracker=location.tracker.name, issues=issues)
        return
    rows = [[issue.id, issue.priority, issue.issue_type, issue.title] for issue in issues]
    print_table("Ready issues", ["issue", "priority", "type", "title"], rows, flexible=["title"])
