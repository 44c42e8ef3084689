"""An issue of a classic tracker is read from its own file."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.errors import DatabaseUnreadableError, InvalidInputError, IssueNotFoundError
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, Location, check_issue_id, read_issue
from adws.tests.beside_beads.trackers import NO_SHARED, SHARED, classic
from adws.tests.samples import issues_in_use

HOSTILE_IDS = ["tk-1 ", " tk-1", "-h", "--help", "tk'1", 'tk"1', "../tk-1", "tk-1' OR '1'='1", "%", "TK-1"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    classic(tmp_path / ".beads" / "beads.db")
    return tmp_path


def located(project: Path) -> Location:
    return locate(cwd=project, environ={})


def change(project: Path, statement: str) -> None:
    with closing(sqlite3.connect(project / ".beads" / "beads.db")) as connection, connection:
        connection.execute(statement)


def test_an_issue_is_read_with_all_that_the_tracker_says(tmp_path: Path) -> None:
    full = Issue(
        id="tk-9",
        title="Everything",
        issue_type="epic",
        priority=4,
        status="in_progress",
        description="what",
        design="how",
        acceptance_criteria="when it is done",
        notes="ünïcode\nand lines",
        labels=("a", "b c"),
    )
    classic(tmp_path / ".beads" / "beads.db", [full])
    assert read_issue(located(tmp_path), "tk-9") == full


def test_priority_zero_is_the_most_urgent_and_not_a_missing_one(project: Path) -> None:
    assert read_issue(located(project), "tk-1").priority == 0


def test_what_the_tracker_does_not_say_is_not_made_up(project: Path) -> None:
    change(project, "DROP TABLE labels")
    change(project, "ALTER TABLE issues DROP COLUMN notes")
    change(project, "UPDATE issues SET issue_type = '' WHERE id = 'tk-1'")
    issue = read_issue(located(project), "tk-1")
    assert (issue.notes, issue.labels, issue.issue_type) == ("", (), None)


def test_an_unknown_issue_is_not_found(project: Path) -> None:
    with pytest.raises(IssueNotFoundError, match=r"beads\.db has no issue 'tk-404'") as refusal:
        read_issue(located(project), "tk-404")
    assert refusal.value.hint == "see which there are: `bd list`"


def test_a_deleted_issue_is_not_found_and_said_to_be_deleted(project: Path) -> None:
    change(project, "UPDATE issues SET status = 'tombstone' WHERE id = 'tk-1'")
    with pytest.raises(IssueNotFoundError, match="issue 'tk-1' was deleted from the tracker"):
        read_issue(located(project), "tk-1")


@pytest.mark.parametrize("issue_id", HOSTILE_IDS)
def test_an_id_is_data_and_matches_only_itself(issue_id: str, tmp_path: Path) -> None:
    database = tmp_path / ".beads" / "beads.db"
    classic(database)
    with pytest.raises(IssueNotFoundError):
        read_issue(located(tmp_path), issue_id)
    database.unlink()
    classic(database, [Issue(issue_id, "Strange, but real")])
    assert read_issue(located(tmp_path), issue_id).title == "Strange, but real"


@pytest.mark.parametrize(
    ("issue_id", "why"),
    [
        ("", "'' cannot be the id of an issue: it is blank"),
        ("  ", "'  ' cannot be the id of an issue: it is blank"),
        ("tk-1\n", r"'tk-1\n' cannot be the id of an issue: it contains a line break or another unprintable"),
        ("tk\0", r"'tk\x00' cannot be the id of an issue: it contains a line break or another unprintable"),
        ("\udcff", r"'\udcff' cannot be the id of an issue: it contains a line break or another unprintable"),
        ("x" * 201, f"'{'x' * 40}…' cannot be the id of an issue: it has 201 characters, the most is 200"),
    ],
)
def test_what_cannot_be_an_id_is_refused_with_the_reason(issue_id: str, why: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        check_issue_id(issue_id)
    assert str(refusal.value).startswith(why)


def test_text_that_no_database_would_take_is_made_storable(project: Path) -> None:
    change(project, "UPDATE issues SET title = CAST(x'61ff0062' AS TEXT) WHERE id = 'tk-1'")
    assert read_issue(located(project), "tk-1").title == "a\N{REPLACEMENT CHARACTER}b"


_COMMIT_AND_DIE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("UPDATE issues SET title = 'only in the log' WHERE id = 'tk-1'")
os._exit(0)
"""


def test_an_issue_that_is_only_in_the_log_is_read_and_the_log_left_alone(project: Path) -> None:
    database = project / ".beads" / "beads.db"
    subprocess.run([sys.executable, "-c", _COMMIT_AND_DIE, str(database)], check=True)
    log = database.with_name("beads.db-wal")
    before = (database.read_bytes(), log.read_bytes())
    assert b"only in the log" not in before[0]
    assert read_issue(located(project), "tk-1").title == "only in the log"
    assert (database.read_bytes(), log.read_bytes()) == before


def test_reading_leaves_no_files_behind(project: Path) -> None:
    read_issue(located(project), "tk-1")
    assert [path.name for path in (project / ".beads").iterdir()] == ["beads.db"]


def test_a_file_damaged_after_it_was_found_is_an_error(project: Path) -> None:
    location = located(project)
    with (project / ".beads" / "beads.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)
    with pytest.raises(DatabaseUnreadableError, match="is not a readable SQLite database"):
        read_issue(location, "tk-1")


def test_every_issue_of_a_tracker_in_use_is_read(tmp_path: Path) -> None:
    classic(tmp_path / ".beads" / "mtg.db", issues_in_use())
    every_issue_is_read(tmp_path)


@pytest.mark.skipif(not SHARED.exists(), reason=NO_SHARED)
def test_every_issue_of_a_real_tracker_is_read(tmp_path: Path) -> None:
    (tmp_path / ".beads").mkdir()
    shutil.copy(SHARED / "data" / "beads-sqlite" / "bd-2025-mtg.db", tmp_path / ".beads" / "mtg.db")
    every_issue_is_read(tmp_path)


def every_issue_is_read(project: Path) -> None:
    """Read all 85 issues of a database and compare them with its rows."""
    location = located(project)
    with closing(sqlite3.connect(location.database)) as connection:
        rows = connection.execute("SELECT id, title, priority, issue_type FROM issues").fetchall()
    read = [read_issue(location, issue_id) for issue_id, *_ in rows]
    assert len(read) == 85
    assert [(issue.id, issue.title, issue.priority, issue.issue_type) for issue in read] == rows
