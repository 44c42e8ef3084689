"""The rows of runs: whether they are there, agree with their issues, have owners, and lie nowhere else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from adw_state.clock import format_time
from adw_state.doctor.project import Project
from adw_state.errors import DatabaseUnreadableError, NotMigratedError, StoreFaultError
from adw_state.recovery.places import old_files, previous_locations
from adw_state.recovery.sources import Known, Source, Survey, count_lacking, known_executions, survey
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.shared_file import needs_reconciling
from adw_state.shared_file.reconciliations import Reconciliation, list_reconciliations
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.owner import owner_is_dead


def _tables(project: Project) -> Iterator[Finding]:
    if not project.location.database_exists():
        what = f"There is no state for this project yet; it will be {project.path}."
        yield Finding("note", what, fix=project.command("adw init"))
    elif not project.holds_our_tables:
        what = f"{project.path} holds none of our tables yet."
        yield Finding("note", what, fix=project.command("adw init"))


_SHOWN = 3


def _reconciliation(project: Project) -> Iterator[Finding]:
    if project.database is None or not project.location.is_shared_file:
        return
    if project.database.read(needs_reconciling):
        yield Finding(
            "warning",
            "The tracker renamed, deleted or re-made issues since our tables were opened last.",
            fix=project.command("adw doctor --fix"),
            fixable=True,
        )
    past = list_reconciliations(project.database, limit=_SHOWN)
    if past:
        yield Finding(
            "note",
            "Reconciled lately: " + "; ".join(_told(one) for one in past) + ".",
            "This tells what was changed without anybody asking for it; adw_reconciliations holds all of it.",
        )
    else:
        yield Finding("ok", "No row ever had to be reconciled.")


def _told(done: Reconciliation) -> str:
    when = f"{done.reconciled_at:%Y-%m-%d %H:%M}" if done.reconciled_at else "?"
    return f"{when} {done.kind}, {done.detail}"


def _archives(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    rows = project.database.select(sql.load("doctor")["spoiled_archives"])
    spoiled = [f"{several(row['spoiled'], 'row')} of {row['archive']}" for row in rows if row["spoiled"]]
    if spoiled:
        what = f"{' and '.join(spoiled)} cannot belong to a run: no id, or times that are none."
        yield Finding("warning", what, fix=project.command("adw restore --dry-run"))
    else:
        yield Finding("ok", "Every archived row belongs to a run.")


def _owners(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    rows = project.database.select(sql.load("doctor")["owned"])
    dead_owners = {owner for owner in {row["owner"] for row in rows} if owner_is_dead(owner)}
    dead = [row for row in rows if row["owner"] in dead_owners]
    if not dead:
        yield Finding("ok", f"{several(len(rows), 'unfinished run')} with an owner, none of them known dead.")
        return
    held = sum(row["claimed"] for row in dead)
    yield Finding(
        "note",
        f"{several(len(dead), 'unfinished run')} belong to processes that are dead, first {dead[0]['id']}.",
        f"{several(held, 'issue')} stay held by them until somebody goes on or starts with --force.",
        fix=project.command(shlex.join(["adw", "resume", dead[0]["id"]])),
    )


_CLOCKS_MAY_DIFFER = timedelta(minutes=5)


def _times(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    now = project.clock.now()
    row = project.database.select(
        sql.load("doctor")["from_the_future"], {"latest": format_time(now + _CLOCKS_MAY_DIFFER)}
    )[0]
    if row["executions"]:
        what = (
            f"{several(row['executions'], 'execution')} changed after the present moment,"
            f" {now:%Y-%m-%d %H:%M} UTC: as late as {row['newest']}."
        )
        yield Finding("warning", what, fix="date -u")
    else:
        yield Finding("ok", "No row is from the future.")


@dataclass(frozen=True, slots=True)
class _Other:
    """A source and how many of its executions the database lacks."""

    source: Source
    lacking: int


def _history(project: Project) -> Iterator[Finding]:
    found = survey(old_files(project.location), project.location.project, project.clock)
    known = _known(project)
    others = [_Other(source, count_lacking(known or {}, source, project.clock)) for source in found.sources]
    previous = {old.path for old in previous_locations(project.location)}
    moved = [one for one in others if one.lacking and one.source.path in previous]
    lost = [one for one in others if one.lacking and one.source.path not in previous]
    yield from (_moved(project, one) for one in moved)
    if lost and not moved:
        yield _lost(project, lost, gone=known is None)
    if not (moved or lost):
        yield Finding("ok", f"{several(len(others), 'other place')} with history, none with more than here.")
    yield from _unreadable(found)


def _known(project: Project) -> Known | None:
    """The executions in the database, however far it is migrated; None if our tables are not there."""
    if not project.location.database_exists():
        return None
    try:
        with closing(Database(project.path, clock=project.clock)) as database:
            return known_executions(database)
    except (NotMigratedError, DatabaseUnreadableError, StoreFaultError):
        return None  # no tables of ours, or none that can be read


def _moved(project: Project, one: _Other) -> Finding:
    return Finding(
        "warning",
        f"{several(one.lacking, 'execution')} in {one.source.path} ({one.source.what}) are not in"
        f" {project.path}, where they belong now.",
        f"The project's tracker is {project.location.tracker.name} now. Reports and `adw resume` do not know"
        " these runs.",
        fix=project.command("adw migrate move"),
    )


def _lost(project: Project, lost: list[_Other], *, gone: bool) -> Finding:
    newest = lost[0]
    others = f" and {several(len(lost) - 1, 'other place')}" if len(lost) > 1 else ""
    return Finding(
        "error" if gone else "warning",
        f"{several(newest.lacking, 'execution')} in {newest.source.path} ({newest.source.what}){others} are"
        f" not, or not as far, in {project.path}.",
        "The file was rebuilt or replaced, and our tables went with the old one." if gone else "",
        fix=project.command("adw restore"),
    )


def _unreadable(found: Survey) -> Iterator[Finding]:
    for sentence in found.unreadable:
        yield Finding("note", f"Cannot be read: {sentence}.", "If there is history in it, it stays there.")


CHECKS = (
    Check("tables", Stage.FILE_CONTENT, _tables, why="Until they are made, runs are kept in JSON only."),
    Check(
        "reconciliation",
        Stage.ROWS,
        _reconciliation,
        why="Until they are opened, runs stand under ids that their issues no longer have.",
        fix=Project.reconcile,
        fix_changes_database=True,
    ),
    Check(
        "archives",
        Stage.ROWS,
        _archives,
        why="Somebody changed the archives by hand. Those rows can never come back; nothing else is harmed.",
    ),
    Check("owners", Stage.ROWS, _owners, why="Issues stay held by runs that nobody works on."),
    Check(
        "times",
        Stage.ROWS,
        _times,
        why="Some machine's clock is or was wrong. Such runs look alive for too long and fall out of the"
        " windows of reports.",
    ),
    Check(
        "history",
        Stage.ROWS,
        _history,
        why="The file was rebuilt, replaced or set back, or runs went on with JSON states only.",
    ),
)
