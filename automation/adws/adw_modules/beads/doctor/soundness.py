"""Whether the file can be read and written, and our schema is as the migrations make it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from adws.adw_modules.beads.doctor.findings import Finding, well
from adws.adw_modules.beads.doctor.patient import Patient
from adws.adw_modules.beads.locate import Location
from adws.adw_modules.store import health, schema
from adws.adw_modules.store.connection import open_reader
from adws.adw_modules.store.records import Check

# name of a health check: how bad it is when it fails, and why that matters
_MEANING = {
    "file": ("error", "Nothing can be read from it or written to it."),
    "integrity": (
        "error",
        "SQLite finds damage. bd calls such a file corrupt and rebuilds it from the issue export, in which"
        " our tables are not.",
    ),
    "migrations": ("warning", "This version of adw needs them; until then it keeps runs in JSON only."),
    "schema": ("error", "Somebody changed our tables, views or triggers; rows may be lost or not found."),
    "references": (
        "warning",
        "Rows without a parent make bd refuse to open the database in multi-repo mode.",
    ),
    "writable": ("error", "Runs cannot be recorded; they go on with JSON only."),
    "write-ahead log": ("warning", "Reading slows down and the disk fills up."),
    "disk": ("warning", "A write that finds no room fails."),
}
_BY_DOCTOR = "adw doctor --fix"


def check_health(patient: Patient) -> Iterator[Finding]:
    """What the store's own health check says, with what it means beside a tracker."""
    location = patient.location
    if not location.database.exists():
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
    for check in health.check(location.database, beside_issues=location.beside_issues).checks:
        yield _finding(check, location)


def _finding(check: Check, location: Location) -> Finding:
    severity, why = _MEANING[check.name]
    if check.ok:
        return well(check.name, check.detail)
    fix = _fix(check, location)
    what = f"{check.detail[:1].upper()}{check.detail[1:]}."
    if fix is None and check.hint:
        why = f"{why} What to do: {check.hint}."
    return Finding(check.name, severity, what, why, fix, fixable=fix == _BY_DOCTOR)


def _fix(check: Check, location: Location) -> str | None:
    name = check.name
    if name == "migrations":
        return "adw migrate"
    if name == "references" and location.beside_issues:
        return _BY_DOCTOR
    if name == "schema" and all(part.startswith(("view ", "trigger ")) for part in check.detail.split("; ")):
        return _BY_DOCTOR
    if name not in ("file", "integrity"):
        return None
    if location.beside_issues:
        return "bd doctor --fix; adw restore"
    moves = [f"mv {location.database} {location.database}.corrupt"]
    log = Path(f"{location.database}-wal")
    moves += [f"mv {log} {location.database}.corrupt-wal"] if log.exists() else []
    return "; ".join([*moves, "adw restore"])


def _has_our_tables(patient: Patient) -> bool:
    connection = open_reader(patient.location.database)
    try:
        return "adw_executions" in schema.present(connection)
    except sqlite3.Error:
        return True  # damaged; the health check says how
    finally:
        connection.close()
