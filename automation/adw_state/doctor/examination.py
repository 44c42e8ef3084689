"""Going through all checks. What a check cannot find out is a finding too, and the others go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from adw_state.doctor.content import check_archives, check_healing, check_owners, check_times
from adw_state.doctor.files import check_leftovers, check_logs, check_permissions
from adw_state.doctor.findings import Finding
from adw_state.doctor.guests import check_guests
from adw_state.doctor.left_behind import check_left_behind
from adw_state.doctor.patient import Patient
from adw_state.doctor.place import check_bd, check_tracker
from adw_state.doctor.soundness import check_health
from adw_state.errors import AdwError

Check = Callable[[Patient], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "tracker": check_tracker,
    # Before anything opens the database, which may remove its log.
    "permissions": check_permissions,
    "logs": check_logs,
    "bd": check_bd,
    "health": check_health,
    "views and triggers": check_guests,
    "healing": check_healing,
    "history": check_left_behind,
    "times": check_times,
    "archives": check_archives,
    "owners": check_owners,
    "leftovers": check_leftovers,
}

_NOT_CARRIED_OUT = "This check could not be carried out."


def examine(patient: Patient) -> list[Finding]:
    """Every finding of every check, in the order of the checks. Writes nothing.

    What keeps several checks from being carried out is told once.
    """
    told: dict[tuple[str, str], Finding] = {}
    try:
        for name, check in CHECKS.items():
            for finding in _found(name, check, patient):
                about = "" if finding.why.startswith(_NOT_CARRIED_OUT) else finding.name
                told.setdefault((about, finding.what), finding)
    finally:
        patient.release()
    return list(told.values())


def not_located(error: AdwError) -> Finding:
    """The finding when it cannot even be said which database is meant."""
    why = f"Nothing else can be looked at. What to do: {error.hint}." if error.hint else ""
    return Finding("place", "error", f"{error}.", why)


def _found(name: str, check: Check, patient: Patient) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(patient))
    except AdwError as error:
        found.append(_unknown(name, f"{error}.", error.hint))
    except (OSError, sqlite3.Error) as error:
        found.append(_unknown(name, f"{error}.", None))
    return found


def _unknown(name: str, what: str, hint: str | None) -> Finding:
    advice = f" What to do: {hint}." if hint else ""
    return Finding(name, "error", what, f"{_NOT_CARRIED_OUT}{advice}")
