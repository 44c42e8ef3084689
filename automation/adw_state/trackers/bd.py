"""bd on SQLite (0.50 and older): its file holds the issues, and our tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.errors import IssueNotFoundError
from adw_state.trackers.tracker import GIVEN, Fields

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found


class _Bd:
    name = "bd"
    holds_our_tables = True

    def evidence(self, found: Found) -> tuple[str, ...]:
        """Every file with a table of issues that is no other tracker's; it is opened to see that."""
        if found.database is None:
            alone = found.folder is not None and found.folder.keeps_no_database()
            return ("Its config.yaml says no-db: the issues are in the export alone.",) if alone else ()
        if not found.shape.issue_columns:
            return ()
        return (f"{found.database} is a database of bd's, with no mark of br.",)

    def issue_source(self, location: Location) -> str:
        """Its file, or the export where it has none."""
        source = location.tracker_database or location.jsonl
        return f"read from {source}" if source else GIVEN

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """The row of the issue; without a database, its line in the export."""
        if location.tracker_database is None:
            from adw_state.trackers.issues import issue_in_export

            return issue_in_export(location, issue_id)
        from adw_state.store import sql
        from adw_state.trackers.database_file import reading

        texts, params = sql.load("tracker_issues"), {"issue_id": issue_id}
        with reading(location.tracker_database) as connection:
            row = next(iter(connection.execute(texts["issue"], params).fetchall()), None)
            if row is None:
                raise IssueNotFoundError(
                    f"{location.tracker_database} has no issue {issue_id!r}",
                    hint="see which there are: `bd list`",
                )
            has_labels = connection.execute(texts["labels_table"]).fetchall()
            labels = connection.execute(texts["labels"], params).fetchall() if has_labels else []
        return {name: row[name] for name in row.keys()}, [label for (label,) in labels]  # noqa: SIM118


BD = _Bd()
