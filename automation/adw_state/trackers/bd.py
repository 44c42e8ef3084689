"""bd, on SQLite (0.50 and older) and on Dolt (0.51 and newer).

On SQLite its file holds the issues, and our tables beside them. A Dolt store is no file to share, and its
issues are asked of `bd`. Where there is no tracker, `create_beads_database` makes a file that a real bd on
SQLite opens, goes on with, and upgrades: for `adw demo` and for tests. It is the only place that writes a
tracker's tables, and only into a file that it has just made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from adw_state.clock import format_time
from adw_state.engine.sqlite.connection import open_new
from adw_state.engine.sqlite.driver import Connection
from adw_state.engine.sqlite.faults import translating
from adw_state.errors import (
    DatabaseAmbiguousError,
    DatabaseReadOnlyError,
    InvalidInputError,
    IssueNotFoundError,
)
from adw_state.store import sql
from adw_state.trackers.database_file import reading
from adw_state.trackers.folder import BeadsFolder
from adw_state.trackers.tracker import Export, Fields, Found, Issue, Location, check_issue_id, ready_among

_SHAPE = Path(__file__).resolve().parents[1] / "db_shapes" / "beads.sql"
_SHAPE_VERSION = "0.17.7"
_PREFIX = r"[A-Za-z][A-Za-z0-9_-]*"
_ACTOR = "adw"


class _Bd(Export):
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
        database = location.tracker_database
        return f"read from {database}" if database else super().issue_source(location)

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """The row of the issue; without a database, its line in the export."""
        database = location.tracker_database
        if database is None:
            return super().read_issue(location, issue_id)
        with reading(database) as connection:
            found = _issues(connection, "issue", issue_id)
        if not found:
            raise IssueNotFoundError(
                f"{database} has no issue {issue_id!r}", hint="see which there are: `bd list`"
            )
        return found[0]

    def ready(self, location: Location, now: datetime) -> list[Fields]:
        """Those of its rows; without a database, of the lines in the export."""
        if location.tracker_database is None:
            return super().ready(location, now)
        with reading(location.tracker_database) as connection:
            return ready_among(_issues(connection, "unfinished_issues", None), now)


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
        from adw_state.trackers.bd_program import issue_from_bd  # only where bd is asked

        return issue_from_bd(_folder(location), issue_id)

    def ready(self, location: Location, now: datetime) -> list[Fields]:  # noqa: ARG002 - bd has its clock
        """What bd says is ready."""
        from adw_state.trackers.bd_program import ready_from_bd

        return ready_from_bd(_folder(location))


BD = _Bd()
BD_DOLT = _BdDolt()


def _issues(connection: Connection, which: str, issue_id: str | None) -> list[Fields]:
    """Issues as bd's JSON has them: with their labels, and with what they depend on."""
    texts, params = sql.load("bd"), {"issue_id": issue_id}
    connection.execute("BEGIN")  # all of it as it was at one moment
    found = {
        row["id"]: {**dict(row), "labels": [], "dependencies": []}
        for row in connection.execute(texts[which], params)
    }
    for (table,) in connection.execute(texts["side_tables"]).fetchall():
        for row in connection.execute(texts[table], params):
            if row["issue_id"] in found:
                found[row["issue_id"]][table].append(row["label"] if table == "labels" else dict(row))
    return list(found.values())


def _folder(location: Location) -> Path:
    return location.beads_dir or location.project / ".beads"


def _put_away(folder: BeadsFolder, database: Path | None) -> str | None:
    file = folder.put_away_database() if database is None else None
    return f"{file} was put away by bd when the issues moved to Dolt." if file else None


def create_beads_database(path: Path, prefix: str, issues: Sequence[Issue], now: datetime) -> None:
    """Make a new database at `path` that bd takes for its own, holding these issues.

    The folder is made too where it is missing; bd looks for `.beads/beads.db`. `prefix` is what the ids of
    further issues begin with, without the dash. What an issue does not say becomes what bd would assume:
    open, a task, priority 2.

    Raises:
        InvalidInputError: there is a file already, or an issue that no tracker would accept.
        DatabaseReadOnlyError: the file or its folder cannot be made.
    """
    if not re.fullmatch(_PREFIX, prefix):
        raise InvalidInputError(
            f"{prefix!r} cannot begin the ids of issues", hint="use letters and digits, such as bd"
        )
    seen: set[str] = set()
    for issue in issues:
        _check(issue, seen)
        seen.add(issue.id)
    _claim(path)
    try:
        _fill(path, prefix, issues, format_time(now))
    except BaseException:
        path.unlink()
        raise


def _check(issue: Issue, seen: set[str]) -> None:
    check_issue_id(issue.id)
    if issue.id in seen:
        raise InvalidInputError(f"issue {issue.id} is given twice", hint="give every issue its own id")
    if not 0 < len(issue.title) <= 500:
        raise InvalidInputError(
            f"issue {issue.id} has a title of {len(issue.title)} characters", hint="use 1 to 500 characters"
        )
    if issue.priority is not None and not 0 <= issue.priority <= 4:
        raise InvalidInputError(
            f"issue {issue.id} has priority {issue.priority}", hint="use 0 (most urgent) to 4"
        )


def _claim(path: Path) -> None:
    """Make the file, empty and private, unless there is one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise InvalidInputError(f"{path} exists already", hint="name a file that does not exist") from error
    except OSError as error:
        raise DatabaseReadOnlyError(
            f"{path} cannot be made: {error.strerror}", hint="name a place in a folder you may write to"
        ) from error


def _fill(path: Path, prefix: str, issues: Sequence[Issue], now: str) -> None:
    # bd keeps a log too.
    with closing(open_new(path, with_log=True)) as connection, translating(path):
        connection.execute("BEGIN IMMEDIATE")
        for statement in sql.statements(_SHAPE.read_text(encoding="utf-8")):
            connection.execute(statement)
        texts = sql.load("bd")
        connection.execute(texts["set_prefix"], {"prefix": prefix})
        connection.execute(texts["set_version"], {"version": _SHAPE_VERSION})
        for issue in issues:
            _add(connection, issue, now)
        connection.execute("COMMIT")


def _add(connection: Connection, issue: Issue, now: str) -> None:
    texts = sql.load("bd")
    status = issue.status or "open"
    row = {
        **asdict(issue),
        "status": status,
        "priority": 2 if issue.priority is None else issue.priority,
        "issue_type": issue.issue_type or "task",
        "now": now,
        "closed_at": now if status == "closed" else None,
    }
    connection.execute(texts["add_issue"], row)
    for label in issue.labels:
        connection.execute(texts["add_label"], {"id": issue.id, "label": label})
    connection.execute(
        texts["add_event"], {"id": issue.id, "actor": _ACTOR, "title": issue.title, "now": now}
    )
    connection.execute(texts["mark_for_export"], {"id": issue.id, "now": now})
