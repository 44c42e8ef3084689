"""Whether history lies somewhere else: a previous location, a quarantined file, a backup, a JSON state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from adw_state.doctor.project import Project
from adw_state.errors import DatabaseUnreadableError, NotMigratedError, StoreFaultError
from adw_state.recovery.places import old_files, previous_locations
from adw_state.recovery.sources import Known, Source, Survey, count_lacking, known_executions, survey
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store.database import Database


@dataclass(frozen=True, slots=True)
class _Other:
    """A source and how many of its executions the database lacks."""

    source: Source
    lacking: int


def _look(project: Project) -> Iterator[Finding]:
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


CHECK = Check(
    "history",
    Stage.ROWS,
    _look,
    why="The file was rebuilt, replaced or set back, or runs went on with JSON states only.",
)
