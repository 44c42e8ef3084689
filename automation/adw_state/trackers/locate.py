"""Where the database is: which tracker a project has, and where our tables live because of it.

    tracker                        our tables                     issues are read from
    bd on SQLite (0.50 and older)  in the tracker's own file      the same file
    bd on Dolt (0.51 and newer)    the sidecar                    `bd list`, else the issue export
    br, any version                the sidecar                    the issue export
    none                           the sidecar                    given on the command line

The sidecar is `<git common dir>/adw/state.sqlite3`: shared by all worktrees, out of the reach of
`git clean`, never in `.beads`, where trackers rename and delete files that are not theirs. Outside git
it is `.adw/state.sqlite3`. Call `locate` anew for every command: a project may change its tracker.

The tracker is looked for as bd looks: `BD_DB`, `BEADS_DIR`, `BEADS_DB`, the main repository of a linked
worktree, then upwards from the folder to the top of its work tree (to the root outside git). The first place
that holds something wins; a place that could mean two things stops the search with an error, because a wrong
guess would put runs into a file that nobody reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from adw_state.errors import (
    AdwError,
    DatabaseAmbiguousError,
    DatabaseError,
    DatabaseNotFoundError,
    DatabaseUnreadableError,
)
from adw_state.trackers.bd import BD, BD_DOLT
from adw_state.trackers.br import BR, marks_in_folder, marks_in_header
from adw_state.trackers.database_file import read_header, read_shape
from adw_state.trackers.folder import BeadsFolder, follow_redirect, read_folder
from adw_state.trackers.repository import RepositoryPaths, find_repository, is_git_dir, real
from adw_state.trackers.tracker import NO_TRACKER, Found, Location, Tracker

_TRACKERS: tuple[Tracker, ...] = (BD_DOLT, BR, BD)
"""In the order in which a project is asked for them."""
SIDECAR_NAME = "state.sqlite3"
_OUR_TABLE = "adw_executions"


class _Start(NamedTuple):
    """Where the search starts."""

    here: Path
    repository: RepositoryPaths | None
    environ: Mapping[str, str]


def locate(
    explicit: str | Path | None = None,
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Location:
    """Find the project's tracker and the place of our tables; nothing is created or written.

    `explicit` is a tracker's database or a sidecar that the user named; it beats every other source.

    Raises:
        DatabaseNotFoundError: a file was named, or a tracker set up, but no database is there.
        DatabaseAmbiguousError: more than one database could be meant.
        DatabaseUnreadableError: the file is a folder, empty, damaged, or not SQLite.
        DatabaseForeignError: the file belongs to another application.
        TrackerUnusableError: the tracker's settings cannot be understood.
    """
    try:
        start = _start(cwd, environ)
        if explicit is None:
            return _located(_search(start), start)
        path = start.here / explicit
        if _is_sidecar(real(path)):
            return _at_sidecar(real(path), start)
        return _located(_found_by_name(path, f"{path} was named."), start)
    except OSError as error:
        raise DatabaseUnreadableError(
            f"{error.filename or 'the current folder'} cannot be looked at: {error.strerror}",
            hint="check the path and the permissions of the folders it goes through",
        ) from error


def locate_for_run(
    explicit: str | Path | None = None,
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Location:
    """As `locate`, but where the project's database is missing or damaged, the location has that as `fault`.

    Raises what `locate` raises for a file that was named, and for a place that is ambiguous.
    """
    try:
        return locate(explicit, cwd=cwd, environ=environ)
    except (DatabaseNotFoundError, DatabaseUnreadableError) as error:
        if explicit is not None:
            raise
        start = _start(cwd, environ)
        return _located(_nothing(start), start)._replace(jsonl=_export_near(start), fault=error)


def state_dir_for(database: Path) -> Path:
    """The folder for our own files (sidecar, backups) that belongs to a database.

    For a sidecar that is the folder it lies in; for a tracker's file, the shared git directory of the
    repository that holds it, or `.adw` beside its `.beads` outside git.
    """
    database = real(database)
    folder = database.parent
    if database.name == SIDECAR_NAME and folder.name in {"adw", ".adw"}:
        return folder
    return _home_of(folder.parent if folder.name == ".beads" else folder)[1]


def _start(cwd: Path | None, environ: Mapping[str, str] | None) -> _Start:
    environ = os.environ if environ is None else environ
    here = real(cwd or Path.cwd())
    return _Start(here, find_repository(here, environ), environ)


def _is_sidecar(path: Path) -> bool:
    """Whether `path` is a sidecar: at its default place (it may not exist yet), or with our tables alone."""
    if _is_default_sidecar(path):
        return not path.is_dir()
    if not path.is_file() or marks_in_header(read_header(path)):
        return False
    shape = read_shape(path)
    return _OUR_TABLE in shape.tables and not shape.issue_columns


def _is_default_sidecar(path: Path) -> bool:
    folder = path.parent
    at_home = folder.name == ".adw" and folder.parent.is_dir()
    return path.name == SIDECAR_NAME and (at_home or (folder.name == "adw" and is_git_dir(folder.parent)))


def _located(found: Found, start: _Start) -> Location:
    tracker, why = next(_trackers_at(found), (NO_TRACKER, ()))
    project, state_dir = _home(found.folder, start)
    shared = found.database if tracker.holds_our_tables else None
    if shared:
        placement = f"Our tables live in the tracker's own file, {shared}."
    else:
        because = "there is no tracker" if tracker is NO_TRACKER else f"the tracker is {tracker.name}"
        placement = f"Our tables live in the sidecar {state_dir / SIDECAR_NAME}, because {because}."
    return Location(
        tracker=tracker,
        database=shared or state_dir / SIDECAR_NAME,
        project=project,
        state_dir=state_dir_for(shared) if shared else state_dir,
        reasons=(*found.how, *why, placement),
        beads_dir=found.folder.path if found.folder else None,
        tracker_database=found.database,
        jsonl=found.folder.export() if found.folder else None,
    )


def _at_sidecar(path: Path, start: _Start) -> Location:
    """A sidecar that was named: our tables are there, the issues wherever its project has them."""
    if _is_default_sidecar(path):
        project, _ = _home_of(path.parent.parent)
        start = _Start(project, find_repository(project, {}), start.environ)
    named = f"{path} was named; it is a sidecar."
    try:
        location = _located(_search(start), start)
        reasons = (named, *location.reasons[:-1])
    except DatabaseError as error:
        location = _located(_nothing(start), start)
        reasons = (named, f"Its project has no usable tracker: {error}.")
    return location._replace(database=path, state_dir=state_dir_for(path), reasons=reasons)


def _home(folder: BeadsFolder | None, start: _Start) -> tuple[Path, Path]:
    """The project's folder, and the folder for our files: those of the repository one stands in.

    Outside git they are those of the folder that holds `.beads`, else of the nearest folder upwards
    that has a sidecar, else of the folder one stands in.
    """
    if start.repository is not None:
        return start.repository.project, start.repository.common_dir / "adw"
    if folder is not None:
        return _home_of(folder.path.parent)
    upwards = (start.here, *start.here.parents)
    home = next((place for place in upwards if (place / ".adw" / SIDECAR_NAME).is_file()), start.here)
    return home, home / ".adw"


def _home_of(folder: Path) -> tuple[Path, Path]:
    """The same for any folder, wherever one stands."""
    repository = find_repository(folder, {})
    return (repository.project, repository.common_dir / "adw") if repository else (folder, folder / ".adw")


class _Trail:
    """What was met on the way: sentences to keep, and a tracker's folder that held no database."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.bare: BeadsFolder | None = None


def _nothing(start: _Start) -> Found:
    return Found(None, None, (f"No tracker was found from {start.here}.",))


def _search(start: _Start) -> Found:
    """The tracker's folder or file, or neither where there is no tracker.

    Raises:
        DatabaseAmbiguousError: a place could mean two databases.
        DatabaseNotFoundError: a tracker was set up, but its database is not there.
    """
    here, environ = start.here, start.environ
    trail = _Trail()
    if named := environ.get("BD_DB"):
        return _found_by_name(here / named, f"BD_DB names {named}.")
    if named := environ.get("BEADS_DIR"):
        if found := _in_place(real(here / named), f"BEADS_DIR names {named}.", trail):
            return found
        trail.notes.append(f"BEADS_DIR names {named}, where no tracker is; looked further, as bd does.")
    if named := environ.get("BEADS_DB"):
        return _found_by_name(here / named, *trail.notes, f"BEADS_DB names {named}.")
    for place, why in _places(start):
        if found := _in_place(place, why, trail):
            return found
    if trail.bare is not None:
        raise DatabaseNotFoundError(
            f"{trail.bare.path} belongs to a tracker, but its database is not there",
            hint="run `bd init` there, which builds it from the issue export, or restore the file",
        )
    return _nothing(start)


def _trackers_at(found: Found) -> Iterator[tuple[Tracker, tuple[str, ...]]]:
    """The trackers that are at what was found, with the sentences that show it; the first one counts.

    Raises `DatabaseForeignError` where the file is no tracker's.
    """
    for tracker in _TRACKERS:
        if evidence := tracker.evidence(found):
            yield tracker, evidence


def _found_by_name(path: Path, *how: str) -> Found:
    """A file that somebody named, with the `.beads` folder it is in, if it is in one."""
    database = real(path)
    in_folder = ".beads" in {path.parent.name, database.parent.name}
    folder = read_folder(database.parent) if in_folder else None
    return Found(folder, database, how, named=True)


def _export_near(start: _Start) -> Path | None:
    """The issue export of the nearest tracker's folder, whatever became of its database."""
    for place, _ in _places(start):
        with suppress(AdwError):
            if folder := read_folder(place):
                return follow_redirect(folder)[0].export()
    return None


def _places(start: _Start) -> Iterator[tuple[Path, str]]:
    """The `.beads` folders to look at, each with a sentence on why."""
    here, repository = start.here, start.repository
    if repository is not None and repository.linked:
        main = repository.common_dir.parent / ".beads"
        yield main, f"{main} is in the main repository of this worktree."
    for directory in (here, *here.parents):
        place = directory / ".beads"
        yield place, f"{place} was found by walking up from {here}."
        # bd would go on to the root from a linked worktree; worktrees of one project must agree.
        if repository is not None and directory in {repository.top, repository.main}:
            return


def _in_place(place: Path, why: str, trail: _Trail) -> Found | None:
    start = read_folder(place)
    if start is None:
        return None
    folder, redirected = follow_redirect(start)
    how = (*trail.notes, why, *([redirected] if redirected else []))
    found = _in_folder(folder, how)
    if found is None and folder.is_project:
        trail.bare = trail.bare or folder
    return found


def _in_folder(folder: BeadsFolder, how: tuple[str, ...]) -> Found | None:
    if folder.dolt_evidence():
        return Found(folder, None, how)
    if configured := folder.configured_database():
        return Found(folder, configured, (*how, f"Its config.yaml names {configured}."), named=True)
    databases = folder.databases()
    if marks_in_folder(folder.names):
        return Found(folder, databases[0] if len(databases) == 1 else None, how)
    if put_away := folder.put_away_database():
        if databases:
            raise DatabaseAmbiguousError(
                f"{folder.path} holds {put_away.name}, put away when bd moved to Dolt,"
                f" and {databases[0].name}",
                hint=f"remove the one that is out of use, or name the file with --db {databases[0]}",
            )
        return Found(folder, None, how)
    if len(databases) > 1:
        names = ", ".join(path.name if path.parent == folder.path else str(path) for path in databases)
        raise DatabaseAmbiguousError(
            f"{folder.path} could mean {len(databases)} databases: {names}",
            hint=f"move the ones out of use away, or name the right one: --db {databases[0]} (or BD_DB)",
        )
    found = Found(folder, databases[0] if databases else None, how)
    return found if databases or any(_trackers_at(found)) else None
