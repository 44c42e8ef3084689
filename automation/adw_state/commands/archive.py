"""`adw archive`: retention."""

from __future__ import annotations

import click

from adw_state.commands.options import common, open_state
from adw_state.commands.output import print_json, print_line
from adw_state.commands.standard_streams import exit_code_tells_of_work


@click.command()
@click.option(
    "--days",
    type=click.FloatRange(0, 36_500),
    default=90,
    show_default=True,
    help="Archive what ended before.",
)
@common
def archive(days: float, db: str | None, as_json: bool) -> None:
    """Move old finished executions, with attempts and checkpoints, to the archive tables.

    Nothing is deleted: the rows stay in the same file, in adw_*_archive, with the reason 'retention'.
    """
    _, state = open_state(db)
    with state:
        archived = state.archive_old_executions(days)
    exit_code_tells_of_work()
    if as_json:
        print_json("adw.archive/1", archived=archived, days=days)
        return
    print_line(f"Archived {archived:,} executions that ended more than {days:g} days ago.")
