"""`adw restore` as a user types it, also after a real bd rebuilt its database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.schema import migrations
from adw_state.state import BeadsStateManager
from adws.tests.beside_beads.history import complaints, everything, live, run_on
from adws.tests.beside_beads.trackers import RealBd
from adws.tests.conftest import ISSUES
from adws.tests.project import Project, Ran


@pytest.fixture
def project(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Project:
    """A project whose tracker put its file, with a run on each issue, away and built a new one."""
    made = Project(tmp_path / "project", tracker=False)
    made.database.parent.mkdir()
    shutil.copyfile(beads_template, made.database)
    with BeadsStateManager(made.database, clock=clock) as state:
        for issue in ISSUES:
            run_on(state, issue.id)
    made.database.rename(quarantine(made))
    shutil.copyfile(beads_template, made.database)
    return made


def quarantine(project: Project) -> Path:
    return project.database.with_name("beads.db.corrupt")


def test_what_was_found_is_shown_and_then_brought_back(project: Project) -> None:
    ran = project.adw("restore")

    assert (ran.code, ran.err) == (0, "")
    (backup,) = (project.folder / ".git" / "adw" / "backups").iterdir()
    assert ran.out.splitlines() == [
        f"{quarantine(project)}",
        "  put away by bd as damaged, newest change 2001-11-23 12:00:00 UTC",
        "  holds 5 executions, 5 attempts, 10 checkpoints",
        "  brings 5 back, 5 attempts, 10 checkpoints",
        f"Backup: {backup}",
        "Executions: 5 back, 0 brought up to date, 0 to the archive (their issue is gone)",
        "            5 attempts, 10 checkpoints",
        f"Done in {project.database}.",
    ]
    assert len(live(project.database)) == 5


def test_a_dry_run_shows_the_same_and_changes_nothing(project: Project) -> None:
    ran = project.adw("restore", "--dry-run")

    assert ran.code == 0
    assert "  brings 5 back, 5 attempts, 10 checkpoints" in ran.out.splitlines()
    assert ran.out.splitlines()[-1] == "Nothing was changed; run it without --dry-run to bring this back."
    assert live(project.database) == {}
    assert not (project.folder / ".git" / "adw").exists()


def test_the_second_time_nothing_is_missing(project: Project) -> None:
    project.adw("restore")

    ran = project.adw("restore")

    assert ran.code == 0
    assert "  nothing in it is missing here" in ran.out.splitlines()
    assert ran.out.splitlines()[-1] == f"Nothing is missing in {project.database}; nothing was changed."


def test_json_tells_the_same_to_programs(project: Project) -> None:
    answer = project.adw("restore", "--json").json

    assert (answer["schema"], answer["changed"], answer["dry_run"]) == ("adw.restore/1", True, False)
    (source,) = answer["sources"]
    assert source["path"] == str(quarantine(project))
    assert source["rows"] == {"executions": 5, "attempts": 5, "checkpoints": 10}
    assert source["newest_change"] == "2001-11-23T12:00:00.000000Z"
    assert source["taken"] == {
        "restored": 5,
        "renewed": 0,
        "archived": 0,
        "attempts": 5,
        "checkpoints": 10,
        "present": 0,
        "conflicts": 0,
        "refused": 0,
        "diverged": 0,
        "why_refused": None,
    }
    assert answer["total"] == source["taken"]


def test_a_file_can_be_named(project: Project) -> None:
    elsewhere = quarantine(project).rename(project.folder / "old.db")

    assert project.adw("restore").out.splitlines()[0] == "No history was found outside the database."
    ran = project.adw("restore", "--from", str(elsewhere))
    assert ran.code == 0
    assert len(live(project.database)) == 5


def test_a_file_that_is_not_there_is_a_usage_error(project: Project) -> None:
    ran = project.adw("restore", "--from", "nowhere.db")

    assert (ran.code, ran.out) == (2, "")
    assert "'nowhere.db' does not exist" in ran.err


def test_without_any_history_nothing_is_made(tmp_path: Path) -> None:
    fresh = Project(tmp_path / "fresh")

    ran = fresh.adw("restore")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "No history was found outside the database.",
        f"Nothing is missing in {fresh.database}; nothing was changed.",
    ]
    assert fresh.adw("status").code == 4


def test_after_bd_rebuilt_a_damaged_file_everything_is_back(
    real_bd: Callable[[str], RealBd], tmp_path: Path, clock: SettableClock
) -> None:
    bd = real_bd("0.49.6")
    project = Project(tmp_path / "real", tracker=False)
    bd.run(project.folder, "init", "--prefix", "tk", "--quiet")
    for title in ("One", "Two", "Three"):
        bd.run(project.folder, "create", title, "-d", "x")
    bd.run(project.folder, "sync", "--flush-only")
    migrations.apply(project.database, backup_folder=tmp_path / "backups", clock=clock)
    with BeadsStateManager(project.database, clock=clock) as state:
        for issue_id in issue_ids(project.database):
            run_on(state, issue_id)
    before, runs = everything(project.database), live(project.database)
    damage_a_table_of_bds(project.database)

    said = bd.attempt(project.folder, "doctor", "--fix", "--yes").stdout
    assert "Backing up database to beads.db.corrupt" in said
    ran: Ran = project.adw("restore", environ=bd.environ | {"PATH": bd.environ["PATH"]})

    assert ran.code == 0, ran.out + ran.err
    assert everything(project.database) == before
    assert live(project.database) == runs
    assert complaints(project.database) == []
    assert "One" in bd.run(project.folder, "list")
    bd.run(project.folder, "create", "Four", "-d", "x")


def issue_ids(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM issues ORDER BY id")]


def damage_a_table_of_bds(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'comments'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\0" * size)


@pytest.mark.parametrize("content", [b"", b"this is no database"])
def test_a_named_file_that_cannot_be_read_is_an_error(project: Project, content: bytes) -> None:
    named = project.folder / "named.db"
    named.write_bytes(content)

    ran = project.adw("restore", "--from", str(named))

    assert (ran.code, ran.out) == (4, "")
    complaint, advice = ran.err.splitlines()
    assert complaint.startswith(f"Error: {named} is ")
    assert advice == "  What to do: name a backup, a copy, or a file that a tracker put away"
