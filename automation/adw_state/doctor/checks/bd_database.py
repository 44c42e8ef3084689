"""Whether bd uses the same database as we do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from adw_state.doctor.bd import Version, place_used_by, text_of
from adw_state.doctor.project import Project
from adw_state.errors import AdwError
from adw_state.schema.check import Check, Finding, Stage
from adw_state.trackers.bd import BD, BD_DOLT
from adw_state.trackers.database_file import reading
from adw_state.trackers.repository import real
from adw_state.trackers.tracker import Location


def _look(project: Project) -> Iterator[Finding]:
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


CHECK = Check(
    "bd-database",
    Stage.TRACKER,
    _look,
    why="Two programs that look for the database differently write into two files.",
)
