"""`adw init`, and `adw migrate` with its verbs, also by flags for the script `migrate_beads_schema.py`."""

from __future__ import annotations

from dataclasses import asdict

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common
from adw_state.commands.output import print_json, print_line, print_table
from adw_state.commands.standard_streams import exit_code_tells_of_work
from adw_state.engine.sqlite.backup import Backup, list_backups
from adw_state.recovery.upgrade import Migrated, Upgrade
from adw_state.recovery.upgrade import migrate as apply_to
from adw_state.schema import migration_status, migrations
from adw_state.schema.previous_tables import PreviousTables, look_for
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location


@click.group()
def migrate() -> None:
    """Apply, show or take back schema migrations, or bring the history to another database."""


@migrate.command()
@common
def up(db: str | None, as_json: bool) -> None:
    """Apply the migrations that are pending.

    A backup is made first, with what is only in the write-ahead log included. Each migration and its
    record are one transaction. Applying twice changes nothing.
    """
    _apply(locate(db), as_json=as_json)


@migrate.command()
@common
def status(db: str | None, as_json: bool) -> None:
    """Show every migration and every backup; change nothing."""
    _status(locate(db), as_json=as_json)


@migrate.command()
@click.argument("version", metavar="NNN")
@common
def rollback(version: str, db: str | None, as_json: bool) -> None:
    """Take back migration NNN and all above it.

    The newest first, after a backup; the rows that are dropped with their tables are counted before.
    """
    _roll_back(locate(db), version, as_json=as_json)


@migrate.command()
@common
def move(db: str | None, as_json: bool) -> None:
    """Bring the history to where our tables belong now.

    For a project that changed its tracker, or got one. The previous location is read from a private
    copy and stays as it is.
    """
    _move(locate(db), as_json=as_json)


@click.command()
@click.option("--apply", "action", flag_value="apply", default=True, help="Apply what is pending (default).")
@click.option("--status", "action", flag_value="status", help="Show every migration; change nothing.")
@click.option("--rollback", "action", flag_value="rollback", help="Take back --version and all above it.")
@click.option("--version", metavar="NNN", help="With --rollback: the lowest migration to take back.")
@common
def migrate_by_flags(action: str, version: str | None, db: str | None, as_json: bool) -> None:
    """Apply, show or take back schema migrations, as `adw migrate` does by words."""
    if (version is not None) != (action == "rollback"):
        raise click.UsageError("--rollback and --version NNN go together")
    location = locate(db)
    if version is not None:
        _roll_back(location, version, as_json=as_json)
    elif action == "status":
        _status(location, as_json=as_json)
    else:
        _apply(location, as_json=as_json)


def apply_migrations(location: Location) -> Migrated:
    """Apply what is pending where our tables live; makes the sidecar where there is no tracker's."""
    folder = location.state_dir / "backups"
    return apply_to(
        location.database, may_make=not location.is_shared_file, backup_folder=folder, clock=default_clock()
    )


def describe_outcome(location: Location, outcome: Migrated) -> list[str]:
    """What applying did, in words."""
    if not outcome.versions:
        return [f"{location.database} is up to date; nothing was changed."]
    return [
        *_backup_lines(outcome.backup),
        *_upgrade_lines(outcome.upgrade),
        f"Applied {', '.join(outcome.versions)} to {location.database}.",
        "Checked: tables, columns, foreign keys, indexes, triggers and views are as they should be.",
    ]


def _apply(location: Location, *, as_json: bool) -> None:
    outcome = apply_migrations(location)
    exit_code_tells_of_work()
    if as_json:
        print_json(
            "adw.migrate/1",
            database=location.database,
            applied=outcome.versions,
            backup=outcome.backup,
            upgrade=outcome.upgrade,
        )
        return
    for line in describe_outcome(location, outcome):
        print_line(line)


def _status(location: Location, *, as_json: bool) -> None:
    exists = location.database_exists()
    previous = look_for(location.database) if exists else None
    steps = migration_status.status(location.database) if exists else []
    backups = list_backups(location.database, location.state_dir / "backups")
    if as_json:
        print_json(
            "adw.migrate-status/1",
            database=location.database,
            database_exists=exists,
            migrations=[asdict(step) for step in steps],
            backups=backups,
            previous_tables=previous,
        )
        return
    if not exists:
        print_line(f"{location.database} is not there yet; `adw migrate up` makes it.")
        return
    for line in _previous_lines(previous):
        print_line(line)
    rows = [[step.version, step.name, step.state, step.applied_at, step.sha256[:12]] for step in steps]
    print_table(
        f"Migrations of {location.database}",
        ["version", "name", "state", "applied at", "sha256"],
        rows,
        dispensable=["sha256"],
    )
    print_table("Backups", ["path", "bytes"], [[backup.path, f"{backup.size_bytes:,}"] for backup in backups])


def _roll_back(location: Location, version: str, *, as_json: bool) -> None:
    doomed = migrations.rows_dropped_by_rollback(location.database, version)
    if not as_json:
        rows = ", ".join(f"{count:,} rows of {table}" for table, count in doomed.items() if count)
        print_line(f"Taking back {version} and everything above it drops {rows or 'no rows'}.")
    outcome = migrations.roll_back(
        location.database, version, backup_folder=location.state_dir / "backups", clock=default_clock()
    )
    exit_code_tells_of_work()
    if as_json:
        print_json(
            "adw.rollback/1",
            database=location.database,
            taken_back=outcome.versions,
            rows_dropped=doomed,
            backup=outcome.backup,
        )
        return
    for line in _backup_lines(outcome.backup):
        print_line(line)
    print_line(f"Took back {', '.join(outcome.versions) or 'nothing'} from {location.database}.")


def _move(location: Location, *, as_json: bool) -> None:
    from adw_state.commands.history import describe_end, describe_survey, shape
    from adw_state.recovery.places import previous_locations
    from adw_state.recovery.restoring import rehearse, restore
    from adw_state.recovery.sources import survey

    clock = default_clock()
    found = survey(previous_locations(location), None, clock)
    plan = rehearse(location, found.sources, clock)
    done = restore(location, found.sources, clock, kind="moved") if plan.changed else None
    exit_code_tells_of_work()
    if as_json:
        print_json("adw.move/1", **shape(location, found, done or plan))
        return
    for line in [*describe_survey(found, plan), *describe_end(location, plan, done)]:
        print_line(line)


def _backup_lines(backup: Backup | None) -> list[str]:
    if backup is None:
        return []
    return [f"Backup: {backup.path.name} ({backup.size_bytes:,} bytes)", f"        in {backup.path.parent}"]


def _previous_lines(found: PreviousTables | None) -> list[str]:
    if found is None:
        return []
    what = ", ".join((*found.tables, *found.views))
    whose = "An earlier version made" if found.are_ours else "An earlier implementation left"
    harm = "  Its views name tables of the tracker, which can keep bd from opening its file."
    return [
        f"{whose} {what}:",
        f"  {found.executions:,} executions, {found.checkpoints:,} checkpoints.",
        *([] if found.are_ours else [harm]),
        "  `adw migrate up` makes the tables of this version and keeps every row.",
    ]


def _upgrade_lines(done: Upgrade | None) -> list[str]:
    if done is None:
        return []
    return [
        f"Upgraded the tables of an earlier {'version' if done.found.are_ours else 'implementation'}:",
        f"  executions: {done.executions:,} live, {done.executions_archived:,} archived",
        f"  checkpoints: {done.checkpoints:,} live, {done.checkpoints_archived:,} archived",
        f"  {'attempts' if done.found.are_ours else 'attempts derived'}: {done.attempts:,}",
        *(f"  dropped: {name}" for name in done.dropped),
    ]


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
