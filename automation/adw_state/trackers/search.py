"""Where to look for the tracker, in the order in which bd looks.

`BD_DB`, `BEADS_DIR`, `BEADS_DB`, the main repository of a linked worktree, then upwards from the folder
to the top of its work tree (to the root outside git). The first place that holds something wins; a
place that could mean two things stops the search with an error, because a wrong guess would put runs
into a file that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from adw_state.errors import AdwError, DatabaseAmbiguousError, DatabaseForeignError, DatabaseNotFoundError
from adw_state.trackers.bd import BD
from adw_state.trackers.bd_dolt import BD_DOLT
from adw_state.trackers.br import BR, marks_in_folder
from adw_state.trackers.database_file import Shape, read_shape
from adw_state.trackers.folder import BeadsFolder, follow_redirect, read_folder
from adw_state.trackers.repository import RepositoryPaths, real
from adw_state.trackers.tracker import Tracker

_TRACKERS: tuple[Tracker, ...] = (BD_DOLT, BR, BD)
"""In the order in which a project is asked for them."""
_ISSUE_COLUMNS = {"id", "title", "status"}


class SearchStart(NamedTuple):
    """Where the search starts."""

    here: Path
    repository: RepositoryPaths | None
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What the search came to: a folder, a file, or both, and how, in sentences."""

    folder: BeadsFolder | None
    database: Path | None
    how: tuple[str, ...]
    named: bool = False
    """Whether somebody named this very file, instead of it being found in its folder."""

    @cached_property
    def shape(self) -> Shape:
        """What the file contains; only for a file without br's marks in its header.

        Raises `DatabaseForeignError` where it is no tracker's, `DatabaseUnreadableError` where it is damaged.
        """
        if self.database is None:
            raise ValueError("no file was found")
        shape = read_shape(self.database)
        if not shape.issue_columns >= _ISSUE_COLUMNS:
            raise DatabaseForeignError(
                f"{self.database} is a SQLite database, but not a tracker's: it has no table of issues",
                hint="name the tracker's database with --db, or leave --db out to have it found",
            )
        return shape


class _Trail:
    """What was met on the way: sentences to keep, and a tracker's folder that held no database."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.bare: BeadsFolder | None = None


def search(start: SearchStart) -> Found | None:
    """The tracker's folder or file, or None where there is no tracker.

    Raises:
        DatabaseAmbiguousError: a place could mean two databases.
        DatabaseNotFoundError: a tracker was set up, but its database is not there.
    """
    here, environ = start.here, start.environ
    trail = _Trail()
    if named := environ.get("BD_DB"):
        return found_by_name(here / named, f"BD_DB names {named}.")
    if named := environ.get("BEADS_DIR"):
        if found := _in_place(real(here / named), f"BEADS_DIR names {named}.", trail):
            return found
        trail.notes.append(f"BEADS_DIR names {named}, where no tracker is; looked further, as bd does.")
    if named := environ.get("BEADS_DB"):
        return found_by_name(here / named, f"BEADS_DB names {named}.", notes=trail.notes)
    for place, why in _places(start):
        if found := _in_place(place, why, trail):
            return found
    if trail.bare is not None:
        raise DatabaseNotFoundError(
            f"{trail.bare.path} belongs to a tracker, but its database is not there",
            hint="run `bd init` there, which builds it from the issue export, or restore the file",
        )
    return None


def trackers_at(found: Found) -> Iterator[tuple[Tracker, tuple[str, ...]]]:
    """The trackers that are at what was found, with the sentences that show it; the first one counts.

    Raises `DatabaseForeignError` where the file is no tracker's.
    """
    for tracker in _TRACKERS:
        if evidence := tracker.evidence(found):
            yield tracker, evidence


def found_by_name(path: Path, how: str, *, notes: list[str] | None = None) -> Found:
    """A file that somebody named, with the `.beads` folder it is in, if it is in one."""
    database = real(path)
    in_folder = ".beads" in {path.parent.name, database.parent.name}
    folder = read_folder(database.parent) if in_folder else None
    return Found(folder, database, (*(notes or ()), how), named=True)


def export_near(start: SearchStart) -> Path | None:
    """The issue export of the nearest tracker's folder, whatever became of its database."""
    for place, _ in _places(start):
        with suppress(AdwError):
            if folder := read_folder(place):
                return follow_redirect(folder)[0].export()
    return None


def _places(start: SearchStart) -> Iterator[tuple[Path, str]]:
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
    return found if databases or any(trackers_at(found)) else None
