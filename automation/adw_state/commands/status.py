"""`adw status`: the present in one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adw_state.clock import Clock, default_clock
from adw_state.commands.options import common, open_state, settings
from adw_state.commands.output import age, print_json, print_line, print_table

if TYPE_CHECKING:
    from adw_state.agents.last_event import LastEvent
    from adw_state.state import Execution
    from adw_state.store.owner import Life
    from adw_state.trackers.tracker import Location


@click.command()
@common
def status(db: str | None, as_json: bool) -> None:
    """Show what runs, what waits for `adw resume`, what failed lately and what is stale."""
    location, state = open_state(db)
    from adw_state.commands.executions import print_executions  # only for who has a database

    config = settings(location)
    with state:
        summary = state.summarize(stale_hours=config.stale_hours, lease_seconds=config.lease_seconds)
    working = [
        run.id for run in summary.unfinished if run.id in summary.life and not summary.life[run.id].is_over
    ]
    events = _last_events(location, working)
    if as_json:
        print_json(
            "adw.status/1",
            database=location.database,
            counts=summary.counts,
            unfinished=summary.unfinished,
            life=summary.life,
            last_events=events,
            failed=summary.failed,
            stale=summary.stale,
        )
        return
    clock = default_clock()
    counts = ", ".join(f"{count:,} {name}" for name, count in summary.counts.items())
    print_line(f"Database: {location.database}")
    print_line(f"Executions: {counts or 'none yet'}")
    over = {name: life for name, life in summary.life.items() if life.is_over}
    print_executions("At work", [run for run in summary.unfinished if run.id not in over], clock)
    if over:
        _print_over([run for run in summary.unfinished if run.id in over], over, clock)
    if events:
        rows = [[name, e.kind, age(e.at, clock.now()), e.events] for name, e in events.items()]
        print_table("Agents at work", ["execution", "last event", "ago", "events"], rows)
    print_executions("Failed lately", summary.failed, clock)
    print_table(
        "Stale runs (silent for too long)",
        ["execution", "issue", "phase", "checkpoint", "silent for"],
        [
            [s.execution_id, s.issue_id, s.phase, s.checkpoint_name, age(s.last_sign_of_life_at, clock.now())]
            for s in summary.stale
        ],
        dispensable=["phase", "checkpoint"],
    )


def _last_events(location: Location, working: list[str]) -> dict[str, LastEvent]:
    if not working:
        return {}
    from adw_state.agents.last_event import events_of_runs  # most looks find nobody at work
    from adw_state.run_root import agents_folder

    return events_of_runs(agents_folder(location.project), working)


def _print_over(found: list[Execution], life: dict[str, Life], clock: Clock) -> None:
    print_table(
        "Nobody works on these; `adw resume EXECUTION` goes on",
        ["execution", "issue", "phase", "silent for", "state"],
        [
            [
                run.id,
                run.issue_id,
                run.phase,
                age(life[run.id].last_sign_at, clock.now()),
                f"{life[run.id].state}: {life[run.id].why}",
            ]
            for run in found
        ],
        flexible=["state"],
        dispensable=["phase"],
    )
