"""Whether the file can be read and written, and our schema is as the migrations make it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from adws.adw_modules.beads.doctor.findings import Finding, well
from adws.adw_modules.beads.doctor.patient import Patient
from adws.adw_modules.beads.locate import Location
from adws.adw_modules.store import health, schema
from adws.adw_modules.store.connection import open_reader
from adws.adw_modules.store.health import Check

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
    sound = any(check.name == "integrity" and check.ok for check in checks)
    writable = os.access(location.database, os.W_OK) and os.access(location.database.parent, os.W_OK)
    if not writable:
        yield _read_only(location)
    for check in checks:
        if not writable and (check.name == "writable" or (sound and check.name == "file")):
            continue
        yield _not_understood(check) if sound and check.name == "file" else _finding(check, location)


def _read_only(location: Location) -> Finding:
    return Finding(
        "writable",
        "error",
        f"{location.database} or its folder is read-only for this user.",
        f"{_MEANING['writable'][1]} The medium may be mounted so, or the permissions are too narrow.",
        f"ls -ld {location.database} {location.database.parent}",
    )


def _not_understood(check: Check) -> Finding:
    """The file is whole, and yet something in it stopped the checks: a newer version, a foreign table."""
    advice = f" What to do: {check.hint}." if check.hint else ""
    return Finding(check.name, "error", f"{check.detail}.", f"What is not understood is not used.{advice}")


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
