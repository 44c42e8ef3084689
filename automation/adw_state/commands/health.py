"""`adw health`: can the database be relied on?"""

from __future__ import annotations

import sys

import click

from adw_state.commands.options import common, open_state
from adw_state.commands.output import print_json, print_table


@click.command()
@common
def health(db: str | None, as_json: bool) -> None:
    """Check the file, its schema, its references, its lock, its log and its disk.

    Leaves with 0 when everything is well, else with 1.
    """
    _, state = open_state(db)
    with state:
        found = state.check_health()
    if as_json:
        print_json("adw.health/1", ok=found.ok, path=found.path, checks=found.checks)
    else:
        rows = [[c.name, c.ok, c.detail, "" if c.ok else c.hint or ""] for c in found.checks]
        print_table(f"Health of {found.path}", ["check", "well", "seen", "what to do"], rows)
    sys.exit(0 if found.ok else 1)
