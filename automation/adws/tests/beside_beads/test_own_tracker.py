"""The tracker's file that we make where there is none: a real bd takes it for its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.errors import DatabaseReadOnlyError, InvalidInputError, StoreFaultError
from adw_state.trackers.bd import BD, create_beads_database
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, read_issue
from adws.tests.beside_beads.trackers import NOW, SOME_ISSUES, RealBd, classic, git_repository

GetBd = Callable[[str], RealBd]


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def test_the_new_file_is_found_as_a_classic_tracker_with_its_issues(tmp_path: Path) -> None:
    classic(tmp_path / ".beads" / "beads.db")
    location = locate(cwd=tmp_path, environ={})
    assert location.tracker is BD
    assert [read_issue(location, issue.id) for issue in SOME_ISSUES] == [
        Issue("tk-1", "The first", "bug", 0, "open", description="It breaks.", labels=("api", "urgent")),
        Issue("tk-2", "The second", "feature", 3, "closed"),
    ]


def test_what_an_issue_does_not_say_becomes_what_bd_would_assume(tmp_path: Path) -> None:
    classic(tmp_path / ".beads" / "beads.db", [Issue("tk-1", "Bare")])
    issue = read_issue(locate(cwd=tmp_path, environ={}), "tk-1")
    assert (issue.issue_type, issue.priority, issue.status) == ("task", 2, "open")


def test_every_issue_begins_with_an_event_and_waits_for_the_export(tmp_path: Path) -> None:
    database = classic(tmp_path / "beads.db")
    at = "2026-05-04T03:02:01.123456Z"
    assert rows(database, "SELECT issue_id, event_type, created_at FROM events ORDER BY id") == [
        ("tk-1", "created", at),
        ("tk-2", "created", at),
    ]
    assert rows(database, "SELECT issue_id FROM dirty_issues ORDER BY issue_id") == [("tk-1",), ("tk-2",)]


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    database = classic(tmp_path / ".beads" / "beads.db")
    assert (database.stat().st_mode & 0o777, database.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    database = tmp_path / "beads.db"
    database.write_text("somebody's")
    with pytest.raises(InvalidInputError, match=r"beads\.db exists already"):
        classic(database)
    assert database.read_text() == "somebody's"


@pytest.mark.parametrize(
    ("prefix", "issue", "sentence"),
    [
        ("", Issue("tk-1", "x"), "'' cannot begin the ids of issues"),
        ("a b", Issue("tk-1", "x"), "'a b' cannot begin the ids of issues"),
        ("tk", Issue("tk-1", ""), "issue tk-1 has a title of 0 characters"),
        ("tk", Issue("tk-1", "x" * 501), "issue tk-1 has a title of 501 characters"),
        ("tk", Issue("tk-1", "x", priority=5), "issue tk-1 has priority 5"),
        ("tk", Issue("", "x"), "'' cannot be the id of an issue: it is blank"),
    ],
)
def test_what_no_tracker_would_accept_is_refused_and_leaves_nothing(
    prefix: str, issue: Issue, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        create_beads_database(tmp_path / ".beads" / "beads.db", prefix, [issue], NOW)
    assert str(refusal.value) == sentence
    assert not list(tmp_path.iterdir())


def test_two_issues_with_one_id_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="issue tk-1 is given twice"):
        create_beads_database(tmp_path / "beads.db", "tk", [Issue("tk-1", "a"), Issue("tk-1", "b")], NOW)
    assert not list(tmp_path.iterdir())


def test_an_issue_that_the_database_refuses_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreFaultError, match="UNIQUE constraint failed: labels"):
        create_beads_database(tmp_path / "beads.db", "tk", [Issue("tk-1", "a", labels=("x", "x"))], NOW)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseReadOnlyError, match="cannot be made: Not a directory"):
        classic(tmp_path / "file" / ".beads" / "beads.db")


def work_with(bd: RealBd, top: Path, closing_id: str) -> str:
    """Create, list and close with a real bd; the new issue's id."""
    new = json.loads(bd.run(top, "create", "Made by bd", "-t", "task", "-d", "More.", "--json"))["id"]
    bd.run(top, "close", closing_id, "--reason", "done")
    bd.run(top, "list")
    shown = bd.run(top, "show", closing_id, "--json")
    assert '"status": "closed"' in shown
    return str(new)


@pytest.mark.parametrize("version", ["0.17.7", "0.29.0", "0.30.6", "0.34.0", "0.49.6"])
def test_a_real_bd_goes_on_with_our_file(version: str, real_bd: GetBd, tmp_path: Path) -> None:
    bd = real_bd(version)
    top = git_repository(tmp_path / "project")
    database = classic(top / ".beads" / "beads.db")
    new = work_with(bd, top, "tk-1")
    assert new == "tk-3" if version == "0.17.7" else new.startswith("tk-")
    statuses = rows(database, "SELECT id, status FROM issues WHERE id <> 'tk-1' ORDER BY title")
    assert statuses == [(new, "open"), ("tk-2", "closed")]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(database, "PRAGMA foreign_key_check") == []


def test_our_file_survives_the_upgrade_through_the_versions(real_bd: GetBd, tmp_path: Path) -> None:
    top = git_repository(tmp_path / "project")
    issues = [Issue(f"tk-{n}", f"Issue {n}", "bug", n, labels=("kept",)) for n in range(4)]
    database = classic(top / ".beads" / "beads.db", issues)
    made = [
        work_with(real_bd(version), top, f"tk-{n}")
        for n, version in enumerate(["0.17.7", "0.29.0", "0.49.6"], start=1)
    ]
    assert rows(database, "SELECT id FROM issues WHERE title = 'Made by bd' ORDER BY created_at") == [
        (issue_id,) for issue_id in made
    ]
    assert rows(database, "SELECT id, title, priority, status FROM issues WHERE title <> 'Made by bd'") == [
        ("tk-0", "Issue 0", 0, "open"),
        ("tk-1", "Issue 1", 1, "closed"),
        ("tk-2", "Issue 2", 2, "closed"),
        ("tk-3", "Issue 3", 3, "closed"),
    ]
    assert read_issue(locate(cwd=top, environ={}), "tk-0").labels == ("kept",)
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(database, "PRAGMA foreign_key_check") == []
