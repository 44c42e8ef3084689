"""`adw status`: the present in one screen."""

from __future__ import annotations

import click

from adws.adw_modules.clock import default_clock
from adws.commands.executions import print_executions
from adws.commands.options import common, open_state, settings
from adws.commands.output import age, print_json, print_line, print_table


@click.command()
@common
def status(db: str | None, as_json: bool) -> None:
    """Show what runs, what failed lately and what is stale."""
    location, state = open_state(db)
    with state:
        summary = state.summarize(stale_hours=settings(location).stale_hours)
    if as_json:
        print_json(
            "adw.status/1",
            database=location.database,
            counts=summary.counts,
            unfinished=summary.unfinished,
            failed=summary.failed,
            stale=summary.stale,
        )
        return
    clock = default_clock()
    counts = ", ".join(f"{count:,} {name}" for name, count in summary.counts.items())
    print_line(f"Database: {location.database}")
    print_line(f"Executions: {counts or 'none yet'}")
    print_executions("At work", summary.unfinished, clock)
    print_executions("Failed lately", summary.failed, clock)
    print_table(
        "Stale checkpoints (no sign of life for too long)",
        ["execution", "issue", "phase", "checkpoint", "silent for"],
        [
            [s.execution_id, s.issue_id, s.phase, s.checkpoint_name, age(s.last_sign_of_life_at, clock.now())]
            for s in summary.stale
        ],
    )
