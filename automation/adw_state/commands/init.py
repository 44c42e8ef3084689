"""`adw init`: prepare a project."""

from __future__ import annotations

import click

from adw_state.commands.migrate import apply_migrations, describe_outcome
from adw_state.commands.options import common
from adw_state.commands.output import print_json, print_line
from adw_state.commands.standard_streams import exit_code_tells_of_work
from adw_state.trackers.locate import locate


@click.command()
@common
def init(db: str | None, as_json: bool) -> None:
    """Prepare this project: find the tracker, make our tables, say what comes next."""
    location = locate(db)
    outcome = apply_migrations(location)
    exit_code_tells_of_work()
    if as_json:
        print_json(
            "adw.init/1",
            tracker=location.tracker.name,
            database=location.database,
            shared_file=location.is_shared_file,
            applied=outcome.versions,
            backup=outcome.backup,
        )
        return
    print_line(f"Tracker: {location.tracker.name}")
    for line in [*describe_outcome(location, outcome), "Next: `adw run ISSUE`, then `adw status`."]:
        print_line(line)
