"""Which tracker it is, whether bd uses the same place, and whether the versions fit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from adw_state.doctor import asking_bd
from adw_state.doctor.asking_bd import FIRST_ON_DOLT, Version, text_of
from adw_state.doctor.findings import Finding, well
from adw_state.doctor.patient import Patient
from adw_state.errors import AdwError
from adw_state.trackers.bd_program import installed_bd
from adw_state.trackers.database_file import reading
from adw_state.trackers.locate import Location, Tracker
from adw_state.trackers.repository import real


def check_tracker(patient: Patient) -> Iterator[Finding]:
    """Which tracker the project has, and where our tables live because of it."""
    location = patient.location
    yield well("tracker", f"{location.tracker.value}. {location.reasons[-1]}")
    if location.tracker is Tracker.BR:
        yield Finding(
            "tracker",
            "note",
            f"A mark of br was found: {location.reasons[-2]}",
            "Newer versions of br write and rebuild their file with an engine of their own, so our tables"
            " stay out of it. This is designed from public reports and not tested against br after 0.1.12.",
        )


def check_bd(patient: Patient) -> Iterator[Finding]:
    """Whether the bd on the PATH fits the project, and uses the same place as we do."""
    location = patient.location
    if location.tracker not in (Tracker.BD, Tracker.BD_DOLT):
        return
    program = installed_bd(patient.environ)
    version = asking_bd.version_of(program, patient.environ) if program else None
    if program is None or version is None:
        yield _without_bd(location, program)
        return
    misfit = _misfit(location, version)
    if misfit is not None:
        yield misfit
        return
    yield well("bd's version", f"bd {text_of(version)} at {program}")
    if patient.named:
        yield Finding(
            "bd's place", "note", "Not compared with bd's, because the database was named with --db."
        )
    elif location.tracker is Tracker.BD and not _has_used(version, location):
        yield Finding(
            "bd's place",
            "note",
            f"bd was not asked which database it uses: bd {text_of(version)} has not used this one yet, and"
            " would bring it up to its own version to answer.",
            "Two programs that look for the database differently write into two files.",
            "bd info --json",
        )
    else:
        answer = asking_bd.place_used_by(program, version, patient.here, patient.environ)
        yield _comparison(location, version, answer)


def _comparison(location: Location, version: Version, answer: object) -> Finding:
    key = "database_path" if location.tracker is Tracker.BD else "path"
    theirs = answer.get(key) if isinstance(answer, dict) else None
    ours = location.tracker_database if location.tracker is Tracker.BD else location.beads_dir
    if not isinstance(theirs, str):
        return Finding(
            "bd's place",
            "warning",
            f"bd {text_of(version)} does not say which database it uses here.",
            "A bd that cannot open its database cannot serve agents either.",
            "bd doctor",
        )
    if ours is not None and real(Path(theirs)) == real(ours):
        return well("bd's place", f"bd uses {ours}, and so do we")
    return Finding(
        "bd's place",
        "error",
        f"bd uses {theirs}, but we use {ours}.",
        "Runs are recorded beside issues that bd does not see, and the other way round.",
        shlex.join(["adw", "where", "--db", theirs]),
    )


def _without_bd(location: Location, program: str | None) -> Finding:
    said = f"{program} does not tell its version." if program else "There is no bd on the PATH."
    if location.tracker is Tracker.BD_DOLT and location.jsonl is None:
        return Finding(
            "bd's version",
            "warning",
            f"{said} The issues are in Dolt, and there is no export of them.",
            "Without bd or an export, `adw run` cannot read an issue.",
            "bd export -o .beads/issues.jsonl",
        )
    return Finding("bd's version", "note", f"{said} What bd would do here was not asked.")


def _misfit(location: Location, version: Version) -> Finding | None:
    """Why this bd cannot use the project's store, if it cannot."""
    if location.tracker is Tracker.BD and version >= FIRST_ON_DOLT:
        return Finding(
            "bd's version",
            "warning",
            f"bd {text_of(version)} does not use the SQLite file {location.tracker_database}.",
            "It keeps issues in Dolt, and either ignores the file or moves it away. After the project has"
            " moved to Dolt with it, `adw migrate --move` takes the history of the runs along.",
            "bd init --from-jsonl",
        )
    if location.tracker is Tracker.BD_DOLT and version < FIRST_ON_DOLT:
        return Finding(
            "bd's version",
            "warning",
            f"bd {text_of(version)} is too old for this project, whose issues are in Dolt.",
            "It cannot read an issue, and may make an empty database beside the real one.",
            "bd version",
        )
    return None


def _has_used(version: Version, location: Location) -> bool:
    """Whether this version of bd has opened the database before, as its own notes say."""
    notes = [_stamp(location)]
    if location.beads_dir is not None:
        try:
            notes.append((location.beads_dir / ".local_version").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            notes.append(None)
    return text_of(version) in {note.strip() for note in notes if note}


def _stamp(location: Location) -> str | None:
    """The version that bd wrote into the database."""
    if location.tracker_database is None:
        return None
    try:
        with reading(location.tracker_database) as connection:
            row = connection.execute("SELECT value FROM metadata WHERE key = 'bd_version'").fetchone()
    except AdwError:
        return None  # no such table, or a file that another check complains about
    return str(row[0]) if row else None
