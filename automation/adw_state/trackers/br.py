"""br, any version: its file is not opened, because newer versions write it with an engine of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.trackers.br_marks import marks_in_folder, marks_in_header, marks_in_shape
from adw_state.trackers.tracker import GIVEN, Fields

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found


class _Br:
    name = "br"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:
        """The marks that br leaves, looked for from the outside in."""
        marks = marks_in_folder(found.folder.names) if found.folder else ()
        if marks or found.database is None:
            return marks
        from adw_state.trackers.database_file import read_header

        return marks_in_header(read_header(found.database)) or marks_in_shape(
            found.shape.tables, found.shape.user_version
        )

    def issue_source(self, location: Location) -> str:
        """The export alone."""
        return f"read from {location.jsonl}" if location.jsonl else GIVEN

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """Its newest line in the export."""
        from adw_state.trackers.issue_export import issue_in_export_of

        return issue_in_export_of(location, issue_id)


BR = _Br()
