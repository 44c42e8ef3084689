"""What is wrong with the rows: healings that are due, times from the future, archives, dead owners."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta

from adw_state.clock import format_time
from adw_state.doctor.findings import Finding, several, well
from adw_state.doctor.patient import Patient
from adw_state.shared_file import needs_healing
from adw_state.shared_file.audit import Healing, list_healings
from adw_state.store import sql
from adw_state.store.owner import owner_is_dead

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)
_SHOWN_HEALINGS = 3


def check_healing(patient: Patient) -> Iterator[Finding]:
    """Whether rows must follow their issues, and what was put right before."""
    if patient.database is None or not patient.location.beside_issues:
        return
    if patient.database.read(needs_healing):
        yield Finding(
            "healing",
            "warning",
            "The tracker renamed, deleted or re-made issues since our tables were opened last.",
            "Until they are opened, runs stand under ids that their issues no longer have.",
            "adw doctor --fix",
            fixable=True,
        )
    past = list_healings(patient.database, limit=_SHOWN_HEALINGS)
    if past:
        yield Finding(
            "healing",
            "note",
            "Healed lately: " + "; ".join(_told(healing) for healing in past) + ".",
            "This tells what was changed without anybody asking for it; adw_healings holds all of it.",
        )
    else:
        yield well("healing", "no row ever had to be put right")


def check_times(patient: Patient) -> Iterator[Finding]:
    """Whether rows are from the future."""
    if patient.database is None:
        return
    now = patient.clock.now()
    row = patient.database.select(
        sql.load("doctor")["from_the_future"], {"latest": format_time(now + _CLOCKS_MAY_DIFFER)}
    )[0]
    if not row["executions"]:
        yield well("times", "no row is from the future")
        return
    yield Finding(
        "times",
        "warning",
        f"{several(row['executions'], 'execution')} changed after the present moment,"
        f" {now:%Y-%m-%d %H:%M} UTC: as late as {row['newest']}.",
        "Some machine's clock is or was wrong. Such runs look alive for too long and fall out of the windows"
        " of reports.",
        "date -u",
    )


def check_archives(patient: Patient) -> Iterator[Finding]:
    """Whether somebody spoiled rows in the archives."""
    if patient.database is None:
        return
    spoiled = patient.database.select(sql.load("doctor")["spoiled_archives"])
    lost = [f"{several(row['spoiled'], 'row')} of {row['archive']}" for row in spoiled if row["spoiled"]]
    if not lost:
        yield well("archives", "every archived row belongs to a run")
        return
    yield Finding(
        "archives",
        "warning",
        f"{' and '.join(lost)} cannot belong to a run: no id, or times that are none.",
        "Somebody changed the archives by hand. Those rows can never come back; nothing else is harmed.",
        "adw restore --dry-run",
    )


def check_owners(patient: Patient) -> Iterator[Finding]:
    """Whether unfinished runs belong to processes that are dead."""
    if patient.database is None:
        return
    rows = patient.database.select(sql.load("doctor")["owned"])
    dead_owners = {owner for owner in {row["owner"] for row in rows} if owner_is_dead(owner)}
    dead = [row for row in rows if row["owner"] in dead_owners]
    if not dead:
        yield well("owners", f"{several(len(rows), 'unfinished run')} with an owner, none of them known dead")
        return
    held = sum(row["claimed"] for row in dead)
    yield Finding(
        "owners",
        "note",
        f"{several(len(dead), 'unfinished run')} belong to processes that are dead, first {dead[0]['id']}.",
        f"{several(held, 'issue')} stay held by them until somebody goes on or starts with --force.",
        shlex.join(["adw", "resume", dead[0]["id"]]),
    )


def _told(healing: Healing) -> str:
    when = f"{healing.healed_at:%Y-%m-%d %H:%M}" if healing.healed_at else "?"
    return f"{when} {healing.kind}, {healing.detail}"
