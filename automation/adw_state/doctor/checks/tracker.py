"""Which tracker the project has, whether the bd on the PATH fits it, and which database bd uses."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from adw_state.doctor.bd import Version, place_used_by, text_of
from adw_state.doctor.project import Project
from adw_state.errors import AdwError
from adw_state.schema.check import Check, Finding, Stage
from adw_state.trackers.bd import BD, BD_DOLT
from adw_state.trackers.br import BR
from adw_state.trackers.database_file import reading
from adw_state.trackers.repository import real
from adw_state.trackers.tracker import Location


def _tracker(project: Project) -> Iterator[Finding]:
    location = project.location
    yield Finding("ok", f"{location.tracker.name}. {location.reasons[-1]}")
    if location.tracker is BR:
        yield Finding("note", f"A mark of br was found: {location.reasons[-2]}")


def _bd_version(project: Project) -> Iterator[Finding]:
    if project.location.tracker not in (BD, BD_DOLT):
        return
    program, version = project.bd
    if version is None:
        yield _without_bd(project)
    elif project.bd_fits:
        yield Finding("ok", f"bd {text_of(version)} at {program}.")
    elif project.location.tracker is BD:
        yield Finding(
            "warning",
            f"bd {text_of(version)} does not use the SQLite file {project.location.tracker_database}.",
            "It keeps issues in Dolt, and either ignores the file or moves it away. After the project has"
            " moved to Dolt with it, `adw migrate move` takes the history of the runs along.",
            fix="bd init --from-jsonl",
        )
    else:
        yield Finding(
            "warning",
            f"bd {text_of(version)} is too old for this project, whose issues are in Dolt.",
            "It cannot read an issue, and may make an empty database beside the real one.",
            fix="bd version",
        )


def _without_bd(project: Project) -> Finding:
    program = project.bd.program
    said = f"{program} does not tell its version." if program else "There is no bd on the PATH."
    if project.location.tracker is BD_DOLT and project.location.jsonl is None:
        return Finding(
            "warning",
            f"{said} The issues are in Dolt, and there is no export of them.",
            "Without bd or an export, `adw run` cannot read an issue.",
            fix="bd export -o .beads/issues.jsonl",
        )
    return Finding("note", said)


def _bd_database(project: Project) -> Iterator[Finding]:
    location, (program, version) = project.location, project.bd
    if location.tracker not in (BD, BD_DOLT) or not project.bd_fits:
        return
    if program is None or version is None:
        return
    if project.named:
        yield Finding("note", "Not compared with bd's, because the database was named with --db.")
    elif location.tracker is BD and not _has_used(version, location):
        yield Finding(
            "note",
            f"bd was not asked which database it uses: bd {text_of(version)} has not used this one yet, and"
            " would bring it up to its own version to answer.",
            fix="bd info --json",
        )
    else:
        yield _comparison(
            location, version, place_used_by(program, version, project.here, project.environ) or {}
        )


def _comparison(location: Location, version: Version, answer: Mapping[str, object]) -> Finding:
    on_sqlite = location.tracker is BD
    theirs = answer.get("database_path" if on_sqlite else "path")
    ours = location.tracker_database if on_sqlite else location.beads_dir
    if not isinstance(theirs, str):
        return Finding(
            "warning",
            f"bd {text_of(version)} does not say which database it uses here.",
            "A bd that cannot open its database cannot serve agents either.",
            fix="bd doctor",
        )
    if ours is not None and real(Path(theirs)) == real(ours):
        return Finding("ok", f"bd uses {ours}, and so do we.")
    return Finding(
        "error",
        f"bd uses {theirs}, but we use {ours}.",
        "Runs are recorded beside issues that bd does not see, and the other way round.",
        fix=shlex.join(["adw", "where", "--db", theirs]),
    )


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


CHECKS = (
    Check(
        "tracker",
        Stage.PLACE,
        _tracker,
        why="Newer versions of br write and rebuild their file with an engine of their own, so our tables"
        " stay out of it. This is designed from public reports and not tested against br after 0.1.12.",
    ),
    Check("bd-version", Stage.TRACKER, _bd_version, why="bd was not asked which database it uses here."),
    Check(
        "bd-database",
        Stage.TRACKER,
        _bd_database,
        why="Two programs that look for the database differently write into two files.",
    ),
)
