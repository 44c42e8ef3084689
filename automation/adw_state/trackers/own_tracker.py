"""A tracker's database of our own making, for where there is no tracker to make one.

`adw demo` uses it on machines without bd, and tests use it everywhere. A real bd on SQLite opens the
file, goes on with it, and upgrades it. This is the only place that writes a tracker's tables, and only
into a file that it has just made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from adw_state.clock import format_time
from adw_state.errors import DatabaseReadOnlyError, InvalidInputError
from adw_state.store import sql
from adw_state.store.sqlite.connection import open_new
from adw_state.store.sqlite.driver import Connection
from adw_state.store.sqlite.faults import translating
from adw_state.trackers.issues import Issue, check_issue_id

_SHAPE = Path(__file__).resolve().parents[1] / "db_shapes" / "beads.sql"
_SHAPE_VERSION = "0.17.7"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ACTOR = "adw"


def create_beads_database(path: Path, prefix: str, issues: Sequence[Issue], now: datetime) -> None:
    """Make a new database at `path` that bd takes for its own, holding these issues.

    The folder is made too where it is missing; bd looks for `.beads/beads.db`. `prefix` is what the ids of
    further issues begin with, without the dash. What an issue does not say becomes what bd would assume:
    open, a task, priority 2.

    Raises:
        InvalidInputError: there is a file already, or an issue that no tracker would accept.
        DatabaseReadOnlyError: the file or its folder cannot be made.
    """
    if not _PREFIX.fullmatch(prefix):
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
        texts = sql.load("own_tracker")
        connection.execute(texts["set_prefix"], {"prefix": prefix})
        connection.execute(texts["set_version"], {"version": _SHAPE_VERSION})
        for issue in issues:
            _add(connection, issue, now)
        connection.execute("COMMIT")


def _add(connection: Connection, issue: Issue, now: str) -> None:
    texts = sql.load("own_tracker")
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
