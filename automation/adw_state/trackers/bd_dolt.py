"""bd on Dolt (0.51 and newer): its store is no file to share, and its issues are asked of `bd`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adw_state.errors import DatabaseAmbiguousError
from adw_state.trackers.folder import BeadsFolder
from adw_state.trackers.tracker import Fields

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found


class _BdDolt:
    name = "bd (Dolt)"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:
        """What the folder says of a Dolt store. A SQLite file beside one may not be named."""
        shown = found.folder and (found.folder.dolt_evidence() or _put_away(found.folder, found.database))
        if not shown:
            return ()
        if found.named and found.database is not None:
            raise DatabaseAmbiguousError(
                f"{found.database} is out of use: {shown}",
                hint="leave the file unnamed to use the project as it is, or work on a copy elsewhere",
            )
        return (shown,)

    def issue_source(self, location: Location) -> str:
        """bd, whose export serves where it cannot be asked."""
        return "read by `bd list`" + (f", else from {location.jsonl}" if location.jsonl else "")

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """What bd says of it."""
        from adw_state.trackers.issue_command import issue_from_bd

        return issue_from_bd(location.beads_dir or location.project / ".beads", issue_id)


BD_DOLT = _BdDolt()


def _put_away(folder: BeadsFolder, database: Path | None) -> str | None:
    file = folder.put_away_database() if database is None else None
    return f"{file} was put away by bd when the issues moved to Dolt." if file else None
