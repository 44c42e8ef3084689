"""Whether history lies somewhere else: a former home, a quarantined file, a backup, a JSON state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from adw_state.doctor.findings import Finding, several, well
from adw_state.doctor.patient import Patient
from adw_state.errors import DatabaseUnreadableError, NotMigratedError, StoreFaultError
from adw_state.recovery.lacking import Known, count_lacking, known_executions
from adw_state.recovery.places import former_homes, old_files
from adw_state.recovery.restoring import Source, Survey, survey
from adw_state.store.database import Database


@dataclass(frozen=True, slots=True)
class _Left:
    """A source and how many of its executions the database lacks."""

    source: Source
    lacking: int


def check_left_behind(patient: Patient) -> Iterator[Finding]:
    """Compare every place where history may lie with the database."""
    found = survey(old_files(patient.location), patient.location.project, patient.clock)
    known = _known(patient)
    left = [_Left(source, count_lacking(known or {}, source, patient.clock)) for source in found.sources]
    homes = {old.path for old in former_homes(patient.location)}
    moved = [one for one in left if one.lacking and one.source.path in homes]
    lost = [one for one in left if one.lacking and one.source.path not in homes]
    yield from (_moved(patient, one) for one in moved)
    if lost and not moved:
        yield _lost(patient, lost, gone=known is None)
    if not (moved or lost):
        yield well("history", f"{several(len(left), 'other place')} with history, none with more than here")
    yield from _unreadable(found)


def _known(patient: Patient) -> Known | None:
    """The executions in the database, however far it is migrated; None if our tables are not there."""
    if not patient.location.database_exists():
        return None
    try:
        with closing(Database(patient.location.database, clock=patient.clock)) as database:
            return known_executions(database)
    except (NotMigratedError, DatabaseUnreadableError, StoreFaultError):
        return None  # no tables of ours, or none that can be read


def _moved(patient: Patient, one: _Left) -> Finding:
    return Finding(
        "history",
        "warning",
        f"{several(one.lacking, 'execution')} in {one.source.path} ({one.source.what}) are not in"
        f" {patient.location.database}, where they belong now.",
        f"The project's tracker is {patient.location.tracker.value} now. Reports and `adw resume` do not know"
        " these runs.",
        "adw migrate --move",
    )


def _lost(patient: Patient, lost: list[_Left], *, gone: bool) -> Finding:
    newest = lost[0]
    others = f" and {several(len(lost) - 1, 'other place')}" if len(lost) > 1 else ""
    return Finding(
        "history",
        "error" if gone else "warning",
        f"{several(newest.lacking, 'execution')} in {newest.source.path} ({newest.source.what}){others} are"
        f" not, or not as far, in {patient.location.database}.",
        "The file was rebuilt or replaced, and our tables went with the old one."
        if gone
        else "The file was rebuilt, replaced or set back, or runs went on with JSON states only.",
        "adw restore",
    )


def _unreadable(found: Survey) -> Iterator[Finding]:
    for sentence in found.unreadable:
        yield Finding(
            "history", "note", f"Cannot be read: {sentence}.", "If there is history in it, it stays there."
        )
