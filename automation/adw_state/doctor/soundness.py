"""Whether the file can be read and written, and our schema is as the migrations make it."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator

from adw_state.doctor.findings import Finding, well
from adw_state.doctor.patient import Patient
from adw_state.doctor.way_back import way_back
from adw_state.store import health, schema
from adw_state.store.connection import open_reader
from adw_state.store.health import Check
from adw_state.store.migration_files import known
from adw_state.trackers.locate import Location

_OUR_TABLES = {"adw_executions", "adw_phase_attempts", "adw_checkpoints", "adw_executions_archive"}
_BY_DOCTOR = "adw doctor --fix"
_WHAT_BD_DOES = "bd calls such a file corrupt and rebuilds it from the issue export, which lacks our tables."
_WITHOUT_BD_AND_BACKUP = (
    "install the version of bd that made it, run `bd doctor --fix`, which rebuilds it, then `adw restore`"
)


def check_health(patient: Patient) -> Iterator[Finding]:
    """What the store's own health check says, with what it means beside a tracker."""
    location = patient.location
    if not location.database_exists():
        yield Finding(
            "tables",
            "note",
            f"There is no state for this project yet; it will be {location.database}.",
            "",
            "adw init",
        )
        return
    if not _has_our_tables(patient):
        yield Finding("tables", "note", f"{location.database} holds none of our tables yet.", "", "adw init")
        return
    checks = health.check(location.database, beside_issues=location.beside_issues).checks
    writable = os.access(location.database, os.W_OK) and os.access(location.database.parent, os.W_OK)
    for check in checks:
        if check.name == "writable" and not writable:
            yield _read_only(check, location)
        else:
            yield _finding(check, patient)


def _read_only(check: Check, location: Location) -> Finding:
    return Finding(
        check.name,
        check.severity,
        f"{location.database} or its folder is read-only for this user.",
        f"{check.why} The medium may be mounted so, or the permissions are too narrow.",
        shlex.join(["ls", "-ld", str(location.database), str(location.database.parent)]),
    )


def _finding(check: Check, patient: Patient) -> Finding:
    if check.ok:
        return well(check.name, check.detail)
    fix = way_back(patient) if check.damaged else _fix(check, patient)
    what = f"{check.detail[:1].upper()}{check.detail[1:]}."
    why = check.why
    if check.damaged and patient.location.beside_issues:
        why += f" {_WHAT_BD_DOES}"
    if fix is None:
        hint = _WITHOUT_BD_AND_BACKUP if check.damaged else check.hint
        why += f" What to do: {hint}."
    return Finding(check.name, check.severity, what, why, fix, fixable=fix == _BY_DOCTOR)


def _fix(check: Check, patient: Patient) -> str | None:
    if check.name == "migrations":
        return "adw migrate"
    if check.name == "references" and patient.location.beside_issues:
        return _BY_DOCTOR
    parts = check.detail.split("; ")
    if check.name == "schema" and all(part.startswith(("view ", "trigger ")) for part in parts):
        return _BY_DOCTOR
    return _by_making_anew(patient) if check.name == "schema" else None


def _by_making_anew(patient: Patient) -> str:
    """Commands that take our tables out, after a backup, make them anew, and fetch the rows back."""
    named = ["--db", str(patient.location.database)] if patient.named else []
    commands = (["migrate", "--rollback", "--version", known()[0].version], ["migrate"], ["restore"])
    return "; ".join(shlex.join(["adw", *words, *named]) for words in commands)


def _has_our_tables(patient: Patient) -> bool:
    connection = open_reader(patient.location.database)
    try:
        return not _OUR_TABLES.isdisjoint(schema.present(connection))
    except sqlite3.Error:
        return True  # damaged; the health check says how
    finally:
        connection.close()
