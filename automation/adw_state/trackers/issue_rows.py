"""An issue from bd's SQLite file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adw_state.errors import IssueNotFoundError
from adw_state.store import sql
from adw_state.trackers.database_file import reading


def issue_in_database(database: Path, issue_id: str) -> tuple[Mapping[str, object], list[object]]:
    """The row of the issue, by column, and its labels.

    Raises:
        IssueNotFoundError: there is no such row.
        DatabaseError: the file cannot be read.
    """
    texts = sql.load("tracker_issues")
    with reading(database) as connection:
        cursor = connection.execute(texts["issue"], {"issue_id": issue_id})
        columns = [column[0] for column in cursor.description]
        row = next(iter(cursor.fetchall()), None)
        if row is None:
            raise IssueNotFoundError(
                f"{database} has no issue {issue_id!r}", hint="see which there are: `bd list`"
            )
        has_labels = connection.execute(texts["labels_table"]).fetchall()
        labels = connection.execute(texts["labels"], {"issue_id": issue_id}).fetchall() if has_labels else []
    return dict(zip(columns, row, strict=True)), [label for (label,) in labels]
