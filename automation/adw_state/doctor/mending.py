"""Mending what is safe to mend, after a backup where the database changes.

Safe is what takes nothing away from anybody: permissions that let others in, views and triggers of ours
(they hold no rows and are made anew), rows that must follow their issues, unfinished files of dead
processes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from adw_state.doctor.files import leftovers, loose_permissions
from adw_state.doctor.findings import Finding, several
from adw_state.doctor.patient import Patient
from adw_state.doctor.remaking import remake_views_and_triggers
from adw_state.errors import DatabaseReadOnlyError
from adw_state.shared_file import heal
from adw_state.store.backup import Backup, back_up


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done, in sentences, and the backup that was made before, if the database changed."""

    done: tuple[str, ...]
    backup: Backup | None


def mend(patient: Patient, findings: Iterable[Finding]) -> Mended:
    """Mend what these findings say is fixable.

    Raises `DatabaseError` and its kinds, `StoreBusyError`; what was mended before stays so.
    """
    names = {finding.name for finding in findings if finding.fixable}
    backup = None
    done: list[str] = []
    try:
        if names & {*_IN_DATABASE}:
            location = patient.location
            backup = back_up(
                location.database, location.state_dir / "backups", "before-doctor", patient.clock.now()
            )
        works = dict.fromkeys(work for name, work in {**_IN_DATABASE, **_AROUND}.items() if name in names)
        for work in works:
            done += work(patient)
    finally:
        patient.release()
    return Mended(tuple(done), backup)


def _healing(patient: Patient) -> Iterator[str]:
    if patient.database is None:
        return
    for healing in heal(patient.database, beside_issues=patient.location.beside_issues, thorough=True):
        yield f"Healed ({healing.kind}): {healing.detail}."


def _permissions(patient: Patient) -> Iterator[str]:
    for loose in loose_permissions(patient):
        try:
            loose.path.chmod(loose.wanted)
        except OSError as error:
            raise DatabaseReadOnlyError(
                f"the mode of {loose.path} cannot be changed: {error.strerror}",
                hint="let its owner do it",
            ) from error
        yield f"Changed {loose.path} from mode {loose.mode:04o} to {loose.wanted:04o}."


def _leftovers(patient: Patient) -> Iterator[str]:
    found = leftovers(patient)
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if found:
        yield f"Removed {several(len(found), 'unfinished file')} of dead processes."


Work = Callable[[Patient], Iterator[str]]
_IN_DATABASE: dict[str, Work] = {
    "views and triggers": remake_views_and_triggers,
    "schema": remake_views_and_triggers,
    "healing": _healing,
    "references": _healing,
}
_AROUND: dict[str, Work] = {"permissions": _permissions, "leftovers": _leftovers}
