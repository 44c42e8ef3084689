"""A mark of br that appears in a tracker's folder or file after our tables came there stops every write.

Folders and stamps of br are made by hand from what is publicly known of it; br is never run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.agents import choice
from adw_state.errors import TrackerChangedError
from adw_state.state import BeadsStateManager
from adws.tests.project import Project

Mark = Callable[[Path], None]

WHAT_TO_DO = "the rows are still in it; `adw migrate move` takes them along to the sidecar"


def make(name: str) -> Mark:
    def work(database: Path) -> None:
        place = database.parent / name
        place.mkdir() if name.startswith(".br_") else place.touch()

    return work


def stamp(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:  # into the log: the header lags behind
        connection.execute("PRAGMA user_version = 15")


MARKS = [
    pytest.param(make(".br_history"), id=".br_history"),
    pytest.param(make(".br_recovery"), id=".br_recovery"),
    pytest.param(make(".write.lock"), id=".write.lock"),
    pytest.param(make(".br-db-write-1.lock"), id=".br-db-write"),
    pytest.param(make("beads.db-fsqlite-ns-0"), id="fsqlite-ns"),
    pytest.param(stamp, id="user_version"),
]


def content(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def open_files() -> set[str]:
    """The files that this process has open."""
    links = (entry for entry in Path("/proc/self/fd").iterdir() if entry.exists())
    return {str(link.readlink()) for link in links}


@pytest.mark.parametrize("mark", MARKS)
def test_a_marked_file_is_not_opened(beads_db: Path, mark: Mark) -> None:
    mark(beads_db)
    before = content(beads_db)
    with pytest.raises(TrackerChangedError, match=f"br has been at {beads_db}, so nothing more") as refusal:
        BeadsStateManager(beads_db)
    assert refusal.value.hint == WHAT_TO_DO
    assert content(beads_db) == before


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_that_appears_while_the_file_is_open_stops_the_next_write(
    beads_db: Path, beads_state: BeadsStateManager, mark: Mark
) -> None:
    run = beads_state.create_execution("demo-1", first_checkpoint=("begun", {}))
    writes: list[Callable[[BeadsStateManager], object]] = [
        lambda state: state.save_checkpoint(run.id, "plan", "too late", {}),
        lambda state: state.create_execution("demo-2"),
        lambda state: state.start_attempt(run.id, "plan"),
        lambda state: state.update_execution_status(run.id, "completed"),
        lambda state: state.take_over(run.id, "me", force=True),
        lambda state: state.beat(run.id, 0),
        lambda state: state.archive_old_executions(0),
    ]
    managers = [BeadsStateManager(beads_db) for _ in writes]
    mark(beads_db)
    before = content(beads_db)
    for write, manager in zip(writes, managers, strict=True):
        with pytest.raises(TrackerChangedError):
            write(manager)
    assert content(beads_db) == before


def test_after_that_the_file_is_not_even_held_open_nor_read(
    beads_db: Path, beads_state: BeadsStateManager
) -> None:
    run = beads_state.create_execution("demo-1")
    held = {str(beads_db), f"{beads_db}-shm", f"{beads_db}-wal"}
    assert open_files() >= held
    (beads_db.parent / ".br_history").mkdir()
    with pytest.raises(TrackerChangedError):
        beads_state.save_checkpoint(run.id, "plan", "too late", {})
    assert not open_files() & held
    with pytest.raises(TrackerChangedError):
        beads_state.get_execution(run.id)


def test_a_read_that_meets_a_mark_in_the_folder_lets_go_of_the_file(
    beads_db: Path, beads_state: BeadsStateManager
) -> None:
    run = beads_state.create_execution("demo-1", first_checkpoint=("begun", {}))
    (beads_db.parent / ".br_history").mkdir()
    reads: list[Callable[[], object]] = [
        lambda: beads_state.load_checkpoint(run.id),
        lambda: beads_state.get_execution(run.id),
    ]
    for read in reads:
        with pytest.raises(TrackerChangedError):
            read()
        assert str(beads_db) not in open_files()


def test_a_mark_made_right_after_the_last_look_is_seen(
    beads_db: Path, beads_state: BeadsStateManager
) -> None:
    # Within one tick of the filesystem's clock the folder's time tells nothing.
    run = beads_state.create_execution("demo-1")
    folder = beads_db.parent
    beads_state.save_checkpoint(run.id, "plan", "one", {})
    seen = folder.stat()
    (folder / ".write.lock").touch()
    os.utime(folder, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    with pytest.raises(TrackerChangedError):
        beads_state.save_checkpoint(run.id, "plan", "two", {})


def test_in_a_folder_that_rests_only_its_time_is_looked_at(
    beads_db: Path, beads_state: BeadsStateManager
) -> None:
    run = beads_state.create_execution("demo-1")
    folder = beads_db.parent
    os.utime(folder, ns=(0, 10**18))
    beads_state.save_checkpoint(run.id, "plan", "one", {})
    (folder / ".write.lock").touch()
    os.utime(folder, ns=(0, 10**18))  # no change is to be seen, so nothing is looked for
    beads_state.save_checkpoint(run.id, "plan", "two", {})
    (folder / ".write.lock").touch()
    os.utime(folder, ns=(0, 10**18 + 1))
    with pytest.raises(TrackerChangedError):
        beads_state.save_checkpoint(run.id, "plan", "three", {})


def test_other_files_that_come_and_go_do_not_disturb(beads_db: Path, beads_state: BeadsStateManager) -> None:
    for name in ("issues.jsonl", "daemon.lock", "bd.sock", "beads.db.backup", "export-state"):
        (beads_db.parent / name).touch()
        beads_state.create_execution("demo-1")
    assert len(beads_state.list_executions()) == 5


def test_marks_around_a_file_of_our_own_mean_nothing(sidecar_db: Path) -> None:
    (sidecar_db.parent / ".br_history").mkdir()
    with BeadsStateManager(sidecar_db) as state:
        assert state.create_execution("x-1").issue_id == "x-1"


# -- as a user meets it


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    assert project.adw("init").code == 0
    assert project.adw("run", "bd-43", "--adw-id", "before").code == 0
    return project


def test_a_run_in_which_br_appears_goes_on_with_json_and_says_what_to_do(project: Project) -> None:
    history = project.database.parent / ".br_history"
    agent = project.folder.parent / "claude"
    scripted = [sys.executable, "-I", "-S", str(Path(choice.__file__).with_name("scripted.py"))]
    agent.write_text(f"#!/bin/sh\nmkdir -p '{history}'\nexec {shlex.join(scripted)}\n")
    agent.chmod(0o755)
    ran = project.adw("run", "bd-42", "--adw-id", "during", "--agent", shlex.quote(str(agent)))
    assert ran.code == 0, ran.err
    assert ran.err.count("the database is lost to this run, which continues with its JSON state only") == 1
    assert f"br has been at {project.database}, so nothing more is written there" in ran.err
    assert WHAT_TO_DO in ran.err
    state = project.folder / ".adw" / "agents" / "during" / "adw_state.json"
    assert json.loads(state.read_text())["status"] == "completed"
    history.rmdir()
    assert {run["id"]: run["status"] for run in project.adw("list", "--json").json["executions"]} == {
        "during": "completed",  # what JSON holds comes back once the file may be used again
        "before": "completed",
    }


def test_the_history_before_is_one_command_away(project: Project) -> None:
    folder = project.database.parent
    (folder / ".br_history").mkdir()
    before = digests(folder)
    shown = project.adw("list")
    assert shown.code == 4
    assert f"`adw migrate move` does too, with the runs that {project.database} may hold" in shown.err
    moved = project.adw("migrate", "move")
    assert moved.code == 0, moved.err
    listed = project.adw("list", "--json").json
    assert [run["id"] for run in listed["executions"]] == ["before"]
    assert digests(folder) == before


def test_naming_the_file_does_not_help(project: Project) -> None:
    folder = project.database.parent
    (folder / ".write.lock").touch()
    before = digests(folder)
    shown = project.adw("list", "--db", str(project.database))
    assert shown.code == 4
    assert digests(folder) == before
