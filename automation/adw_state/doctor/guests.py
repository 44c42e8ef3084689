"""Whether anybody's stored view, trigger or index would stop bd, or be lost, when bd rebuilds its tables."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw_state.doctor.findings import Finding, well
from adw_state.doctor.patient import Patient
from adw_state.doctor.reading import tables_touched
from adw_state.doctor.replay import Guilty, rebuild_on_a_copy
from adw_state.store import schema
from adw_state.store.migration_files import known
from adw_state.trackers.database_file import reading
from adw_state.trackers.locate import Tracker

# Views that earlier programs of this kind made over our tables and the tracker's.
_FORMER_VIEWS = {
    "recent_failures",
    "stale_checkpoints",
    "success_rate_by_type",
    "phase_progression_funnel",
}
_BRICKED = (
    "bd rebuilds {table} when it is upgraded, in some versions on every open. Then SQLite cannot read this"
    " {kind}, and bd cannot open its database: every command of it fails."
)
_QUOTES = " To bd, double quotes make a name; texts want single quotes."


@dataclass(frozen=True, slots=True)
class Guests:
    """What is stored in a tracker's file that is not the tracker's, as far as it is dangerous."""

    guilty: tuple[Guilty, ...]
    ours: frozenset[str]
    """The names of those views and triggers that are of our making."""
    curious: tuple[tuple[str, tuple[str, ...]], ...]
    """Views and triggers of ours that read tables of the tracker that it does not rebuild today."""
    settlers: tuple[tuple[str, str, str], ...]
    """Kind, name and table of triggers, and of indexes of ours, on a table of the tracker."""


def check_guests(patient: Patient) -> Iterator[Finding]:
    """Rebuild the tracker's tables on an empty copy, and name whatever stands in the way."""
    location = patient.location
    if location.tracker is not Tracker.BD or location.tracker_database is None:
        return
    with reading(location.tracker_database) as connection:
        found = look_for_guests(connection)
    file = location.tracker_database
    for guilty in found.guilty:
        yield _stops_bd(guilty, file, ours=guilty.name in found.ours and location.beside_issues)
    for name, tables in found.curious:
        yield Finding(
            "views and triggers",
            "warning",
            f"{name}, which is ours, reads the tracker's {', '.join(tables)}.",
            "bd does not rebuild that today; a version that does could not open its database.",
            "adw doctor --fix",
            fixable=True,
        )
    for kind, name, table in found.settlers:
        yield Finding(
            "views and triggers",
            "note",
            f"The {kind} {name} sits on the tracker's table {table}.",
            "bd drops it without a word when it rebuilds that table.",
        )
    if not (found.guilty or found.curious):
        yield well("views and triggers", "bd can rebuild its tables: tried on an empty copy")


def look_for_guests(connection: sqlite3.Connection) -> Guests:
    """Whatever is dangerous in a tracker's file."""
    touched = tables_touched(connection)
    stored = schema.present(connection)
    our_objects = schema.expected(known(), beside_issues=True)
    our_names = set(our_objects)

    def is_ours(name: str) -> bool:
        if name in our_names or name.startswith("adw_"):
            on_ours = stored[name].kind == "trigger" and stored[name].table.startswith("adw_")
            return on_ours or _touches_ours(name, touched) or stored[name] == our_objects.get(name)
        return name in _FORMER_VIEWS and _touches_ours(name, touched)

    guilty = tuple(rebuild_on_a_copy(connection))
    blamed = {one.name for one in guilty}
    theirs = {name for name, found in stored.items() if found.kind == "table"} - our_names
    theirs = {name for name in theirs if not name.startswith("adw_")}
    curious = (
        (name, tuple(sorted(touched.get(name, set()) & theirs)))
        for name, found in sorted(stored.items())
        if found.kind in ("view", "trigger") and name not in blamed and is_ours(name)
    )
    settlers = (
        (found.kind, name, found.table)
        for name, found in sorted(stored.items())
        if found.table in theirs
        and (found.kind == "trigger" or (found.kind == "index" and name.startswith(("adw_", "idx_adw_"))))
    )
    return Guests(
        guilty,
        frozenset(name for name in stored if stored[name].kind in ("view", "trigger") and is_ours(name)),
        tuple((name, tables) for name, tables in curious if tables),
        tuple(settlers),
    )


def _touches_ours(name: str, touched: dict[str, set[str]]) -> bool:
    return any(table.startswith("adw_") for table in touched.get(name, ()))


def _stops_bd(guilty: Guilty, file: Path, *, ours: bool) -> Finding:
    whose = "which is ours" if ours else "which is not ours"
    removal = shlex.join(["sqlite3", str(file), guilty.removal])
    quotes = _QUOTES if guilty.why.startswith("no such column") else ""
    return Finding(
        "views and triggers",
        "error",
        f"The {guilty.kind} {guilty.name}, {whose}, would stop bd: {guilty.why}.",
        _BRICKED.format(table=guilty.rebuilt, kind=guilty.kind) + quotes,
        "adw doctor --fix" if ours else removal,
        fixable=ours,
    )
