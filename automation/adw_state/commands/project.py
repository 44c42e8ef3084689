"""`adw where` and `adw ready`: which database is used, and which issues can be worked on."""

from __future__ import annotations

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common
from adw_state.commands.output import print_error, print_json, print_line, print_table
from adw_state.trackers.locate import locate, locate_for_run
from adw_state.trackers.tracker import ready_issues


@click.command()
@common
def where(db: str | None, as_json: bool) -> None:
    """Say which database is used, and why.

    Looks at --db, BD_DB, BEADS_DIR, BEADS_DB, the main repository of a worktree and the folders above,
    as the tracker does, and creates nothing.
    """
    location = locate(db)
    exists = location.database_exists()
    if as_json:
        print_json(
            "adw.where/1",
            tracker=location.tracker.name,
            database=location.database,
            database_exists=exists,
            shared_file=location.is_shared_file,
            beads_dir=location.beads_dir,
            tracker_database=location.tracker_database,
            jsonl=location.jsonl,
            project=location.project,
            state_dir=location.state_dir,
            reasons=location.reasons,
        )
        return
    place = "in the tracker's own file" if location.is_shared_file else "in the sidecar, beside the tracker"
    print_line(f"Tracker:   {location.tracker.name}")
    print_line(f"Database:  {location.database}" + ("" if exists else "  (not made yet: `adw init`)"))
    print_line(f"           our tables live {place}")
    print_line(f"Issues:    {location.tracker.issue_source(location)}")
    print_line(f"Project:   {location.project}")
    print_line(f"Backups:   {location.state_dir / 'backups'}")
    print_line("Why:")
    for reason in location.reasons:
        print_line(f"  - {reason}")


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
