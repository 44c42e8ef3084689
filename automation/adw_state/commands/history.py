"""`adw archive` and `adw restore`: history out of the way, and back."""

from __future__ import annotations

from pathlib import Path

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common, open_state
from adw_state.commands.output import print_json, print_line
from adw_state.commands.standard_streams import exit_code_tells_of_work
from adw_state.errors import DatabaseUnreadableError
from adw_state.recovery.places import OldFile, old_files
from adw_state.recovery.restoring import Restoration, rehearse
from adw_state.recovery.restoring import restore as restore_from
from adw_state.recovery.sources import Survey, survey
from adw_state.store.importing import Tally
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location


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


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what was found and what would come back; write nothing.")
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Look into this database only.",
)
@common
def restore(dry_run: bool, file: Path | None, db: str | None, as_json: bool) -> None:
    """Bring back executions that the tracker, or an accident, took away.

    Looks into the archive tables, files that bd or br put away (.corrupt, .backup, .migrated), our own
    backups, previous locations and the JSON states. Shows what is there before it writes, copies the database
    to the backups, and never replaces what is newer. Doing it again changes nothing.
    """
    location, clock = locate(db), default_clock()
    files = old_files(location) if file is None else [OldFile(file, "named by you")]
    found = survey(files, location.project if file is None else None, clock)
    if file is not None and found.unreadable:
        raise DatabaseUnreadableError(
            found.unreadable[0], hint="name a backup, a copy, or a file that a tracker put away"
        )
    plan = rehearse(location, found.sources, clock)
    if not as_json:
        for line in describe_survey(found, plan):
            print_line(line)
    done = None
    if plan.changed and not dry_run:
        done = restore_from(location, found.sources, clock, kind="recovered")
    if not dry_run:
        exit_code_tells_of_work()
    if as_json:
        print_json("adw.restore/1", **shape(location, found, done or plan), dry_run=dry_run)
        return
    for line in describe_end(location, plan, done):
        print_line(line)


def shape(location: Location, found: Survey, what: Restoration) -> dict[str, object]:
    """What was found and what came of it, for JSON."""
    return {
        "database": location.database,
        "changed": what.changed,
        "applied": what.migrated if what.changed else (),
        "backup": what.backup,
        "reconciled": what.reconciled,
        "total": what.total,
        "undeleted": what.undeleted,
        "sources": [
            {
                "path": taken.source.path,
                "what": taken.source.what,
                "newest_change": taken.source.newest,
                "rows": taken.source.rows,
                "notes": taken.source.notes,
                "taken": taken.tally,
            }
            for taken in what.taken
        ],
        "unreadable": found.unreadable,
    }


def describe_survey(found: Survey, plan: Restoration) -> list[str]:
    """Each place with history: how new it is, what it holds, and what would come from it."""
    lines = [] if found.sources else ["No history was found outside the database."]
    for taken in plan.taken:
        source, rows = taken.source, taken.source.rows
        newest = f"{source.newest:%Y-%m-%d %H:%M:%S} UTC" if source.newest else "unknown"
        lines += [
            f"{source.path}",
            f"  {source.what}, newest change {newest}",
            f"  holds {rows.executions:,} executions, {rows.attempts:,} attempts,"
            f" {rows.checkpoints:,} checkpoints",
            f"  {_gain(taken.tally)}",
            *(f"  note: {note}" for note in source.notes),
            *_left_out(taken.tally),
        ]
    return lines + [f"Cannot be read: {sentence}" for sentence in found.unreadable]


def describe_end(location: Location, plan: Restoration, done: Restoration | None) -> list[str]:
    """What was done, or would be."""
    if not plan.changed:
        return [f"Nothing is missing in {location.database}; nothing was changed."]
    if done is None:
        return [*_changes(plan), "Nothing was changed; run it without --dry-run to bring this back."]
    backup = [f"Backup: {done.backup.path}"] if done.backup else []
    return [*backup, *_changes(done), f"Done in {location.database}."]


def _changes(what: Restoration) -> list[str]:
    total = what.total
    lines = [f"Migrations: {', '.join(what.migrated)}"] if what.migrated else []
    lines += [f"Reconciled: {reconciliation.detail}" for reconciliation in what.reconciled]
    if what.undeleted.changes:
        lines.append(f"Undeleted: {what.undeleted.restored:,} executions from the archive tables")
    return [
        *lines,
        f"Executions: {total.restored:,} back, {total.renewed:,} brought up to date,"
        f" {total.archived:,} to the archive (their issue is gone)",
        f"            {total.attempts:,} attempts, {total.checkpoints:,} checkpoints",
    ]


def _gain(tally: Tally) -> str:
    if not tally.changes:
        return "nothing in it is missing here"
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (tally.restored, "back"),
            (tally.renewed, "brought up to date"),
            (tally.archived, "to the archive"),
            (tally.attempts, "attempts"),
            (tally.checkpoints, "checkpoints"),
        )
        if number
    ]
    return "brings " + ", ".join(parts)


def _left_out(tally: Tally) -> list[str]:
    lines = []
    if tally.conflicts:
        lines.append(f"  left out: {tally.conflicts:,} executions whose id another run has here")
    if tally.refused:
        lines.append(f"  left out: {tally.refused:,} executions that break a rule ({tally.why_refused})")
    if tally.diverged:
        lines.append(f"  left out: {tally.diverged:,} checkpoints of runs that went on differently here")
    return lines
