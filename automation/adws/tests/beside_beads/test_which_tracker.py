"""Which tracker it is decides where our tables live: bd on SQLite, bd on Dolt, br, or none.

Folders and headers of br are made by hand from what is publicly known of it; br is never run.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from adw_state.errors import DatabaseAmbiguousError
from adw_state.schema.migrations import apply, create_store
from adw_state.trackers.bd import BD, BD_DOLT
from adw_state.trackers.br import BR
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import NO_TRACKER, Location, Tracker
from adws.tests.beside_beads.trackers import NO_SHARED, SHARED, classic, git_repository, project_with_classic


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return project_with_classic(tmp_path / "project")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A repository with an empty `.beads`."""
    top = git_repository(tmp_path / "project")
    (top / ".beads").mkdir()
    return top


def at(folder: Path) -> Location:
    return locate(cwd=folder, environ={})


def metadata(top: Path, **values: str) -> None:
    (top / ".beads" / "metadata.json").write_text(json.dumps(values))


def stamp(database: Path, offset: int, value: bytes) -> None:
    with database.open("r+b") as file:
        file.seek(offset)
        file.write(value)


def assert_in_sidecar(location: Location, tracker: Tracker, top: Path) -> None:
    assert (location.tracker, location.is_shared_file) == (tracker, False)
    assert location.database == top / ".git" / "adw" / "state.sqlite3"
    assert location.reasons[-1] == (
        f"Our tables live in the sidecar {location.database}, because the tracker is {tracker.name}."
    )


# -- bd on Dolt


def test_a_tracker_whose_settings_say_dolt_has_our_tables_in_the_sidecar(empty: Path) -> None:
    metadata(empty, database="dolt", backend="dolt", dolt_mode="embedded")
    (empty / ".beads" / "issues.jsonl").write_text("")
    location = at(empty)
    assert_in_sidecar(location, BD_DOLT, empty)
    assert location.reasons[1] == f"{empty}/.beads/metadata.json says that the issues are in Dolt."
    assert (location.jsonl, location.tracker_database) == (empty / ".beads" / "issues.jsonl", None)


@pytest.mark.parametrize("store", ["dolt", "embeddeddolt"])
def test_a_dolt_store_shows_the_tracker_where_no_backend_is_stated(store: str, project: Path) -> None:
    (project / ".beads" / store).mkdir()
    assert_in_sidecar(at(project), BD_DOLT, project)


def test_a_dolt_store_beside_settings_that_say_sqlite_is_out_of_use(project: Path) -> None:
    (project / ".beads" / "dolt").mkdir()
    metadata(project, database="beads.db", backend="sqlite")
    assert at(project).tracker is BD


def test_a_database_left_over_from_before_dolt_is_not_used(project: Path) -> None:
    metadata(project, database="dolt", backend="dolt")
    assert_in_sidecar(at(project), BD_DOLT, project)


def test_naming_a_database_left_over_from_before_dolt_is_refused(project: Path) -> None:
    metadata(project, database="dolt", backend="dolt")
    with pytest.raises(DatabaseAmbiguousError, match=r"beads\.db is out of use: .* are in Dolt") as refusal:
        locate(project / ".beads" / "beads.db", cwd=project, environ={})
    assert (
        refusal.value.hint
        == "leave the file unnamed to use the project as it is, or work on a copy elsewhere"
    )


def test_a_database_put_away_by_the_move_to_dolt_shows_the_tracker(project: Path) -> None:
    database = project / ".beads" / "beads.db"
    database.rename(project / ".beads" / "beads.db.migrated")
    assert_in_sidecar(at(project), BD_DOLT, project)


def test_a_database_put_away_beside_a_new_one_is_refused_until_one_is_named(project: Path) -> None:
    database = project / ".beads" / "beads.db"
    shutil.copy(database, project / ".beads" / "beads.db.migrated")
    with pytest.raises(DatabaseAmbiguousError, match=r"holds beads\.db\.migrated, .* and beads\.db"):
        at(project)
    assert locate(database, cwd=project, environ={}).tracker is BD


def test_settings_that_say_sqlite_outweigh_a_database_put_away(project: Path) -> None:
    shutil.copy(project / ".beads" / "beads.db", project / ".beads" / "beads.db.migrated")
    metadata(project, database="beads.db", backend="sqlite")
    assert at(project).tracker is BD


# -- br


@pytest.mark.parametrize(
    "mark",
    [
        ".br_history",
        ".br_recovery",
        ".write.lock",
        ".br-db-write-1f.lock",
        ".br-jsonl-write-1f.lock",
        "beads.db-fsqlite-ns-1",
        "beads.db-wal-cert",
    ],
)
def test_a_file_of_brs_in_the_folder_moves_our_tables_to_the_sidecar(mark: str, project: Path) -> None:
    (project / ".beads" / mark).write_bytes(b"")
    location = at(project)
    assert_in_sidecar(location, BR, project)
    assert location.reasons[1] == f"{mark} is a file of br's."
    assert location.tracker_database == project / ".beads" / "beads.db"


@pytest.mark.parametrize(
    ("offset", "value", "why"),
    [
        (60, (17).to_bytes(4, "big"), "user_version 17"),
        (76, b"\x01", "bytes that SQLite keeps zero"),
        (91, b"\x01", "bytes that SQLite keeps zero"),
    ],
)
def test_a_stamp_of_brs_in_the_header_moves_our_tables_to_the_sidecar(
    offset: int, value: bytes, why: str, project: Path
) -> None:
    stamp(project / ".beads" / "beads.db", offset, value)
    location = at(project)
    assert_in_sidecar(location, BR, project)
    assert why in location.reasons[1]


def test_a_file_with_a_stamped_header_is_not_opened(project: Path) -> None:
    stamp(project / ".beads" / "beads.db", 60, b"\0\0\0\5")
    stamp(project / ".beads" / "beads.db", 100, b"\xff" * 1000)
    assert at(project).tracker is BR


def test_a_stamp_of_brs_that_is_still_in_the_log_is_seen(project: Path) -> None:
    with sqlite3.connect(project / ".beads" / "beads.db") as connection:
        connection.execute("PRAGMA user_version = 5")
        assert (project / ".beads" / "beads.db").read_bytes()[60:64] == bytes(4)
        assert_in_sidecar(at(project), BR, project)
    connection.close()


def test_a_named_file_with_a_mark_of_brs_is_not_used_for_our_tables(project: Path) -> None:
    stamp(project / ".beads" / "beads.db", 60, b"\0\0\0\5")
    assert_in_sidecar(locate(project / ".beads" / "beads.db", cwd=project, environ={}), BR, project)


def test_the_file_of_a_marked_tracker_is_not_opened(project: Path) -> None:
    (project / ".beads" / ".br_history").mkdir()
    (project / ".beads" / "beads.db").write_bytes(b"no SQLite at all")
    assert at(project).tracker is BR


def test_a_marked_tracker_may_hold_several_files_or_none(project: Path) -> None:
    (project / ".beads" / ".br_history").mkdir()
    classic(project / ".beads" / "second.db")
    assert at(project).tracker_database is None
    for name in ("beads.db", "second.db"):
        (project / ".beads" / name).unlink()
    assert_in_sidecar(at(project), BR, project)


def test_a_mark_that_appears_later_is_seen_at_the_next_look(project: Path) -> None:
    before = at(project).tracker
    stamp(project / ".beads" / "beads.db", 60, b"\0\0\0\5")
    assert (before, at(project).tracker) == (BD, BR)


@pytest.mark.skipif(not SHARED.exists(), reason=NO_SHARED)
@pytest.mark.parametrize(
    ("sample", "tracker"),
    [
        ("bd-2025-mtg.db", BD),
        ("bd-empty-everyinc.db", BD),
        ("bd-empty-gastown.db", BD),
        ("br-empty.db", BR),
    ],
)
def test_databases_that_people_have_are_told_apart(sample: str, tracker: Tracker, empty: Path) -> None:
    shutil.copy(SHARED / "data" / "beads-sqlite" / sample, empty / ".beads" / "beads.db")
    assert at(empty).tracker is tracker


# -- our own sidecar, named


def test_the_sidecar_can_be_named_before_it_exists(tmp_path: Path) -> None:
    top = git_repository(tmp_path / "project")
    sidecar = top / ".git" / "adw" / "state.sqlite3"
    location = locate(sidecar, cwd=tmp_path, environ={})
    assert (location.database, location.is_shared_file, location.project) == (sidecar, False, top)
    assert (location.tracker, location.state_dir) == (NO_TRACKER, sidecar.parent)
    assert location.reasons[0] == f"{sidecar} was named; it is a sidecar."


def test_naming_the_sidecar_outside_git_means_the_folder_that_holds_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    location = locate("home/.adw/state.sqlite3", cwd=tmp_path, environ={})
    assert (location.database, location.project) == (home / ".adw" / "state.sqlite3", home)


def test_naming_the_sidecar_of_a_classic_project_keeps_its_tracker(project: Path, tmp_path: Path) -> None:
    sidecar = project / ".git" / "adw" / "state.sqlite3"
    location = locate(sidecar, cwd=tmp_path, environ={})
    assert (location.database, location.is_shared_file) == (sidecar, False)
    assert location.tracker_database == project / ".beads" / "beads.db"
    assert (location.tracker, location.project) == (BD, project)


def test_a_named_sidecar_works_where_the_tracker_is_in_disorder(project: Path) -> None:
    classic(project / ".beads" / "second.db")
    sidecar = project / ".git" / "adw" / "state.sqlite3"
    location = locate(sidecar, cwd=project, environ={})
    assert (location.database, location.tracker) == (sidecar, NO_TRACKER)
    assert "could mean 2 databases" in location.reasons[1]


def test_a_copy_of_a_sidecar_is_known_by_its_tables(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    create_store(copy, backup_folder=tmp_path / "backups")
    location = locate(copy, cwd=git_repository(tmp_path / "project"), environ={})
    assert (location.database, location.is_shared_file) == (copy, False)
    assert (location.tracker, location.project) == (NO_TRACKER, tmp_path / "project")


def test_a_tracker_with_our_tables_in_it_is_still_the_tracker(project: Path) -> None:
    database = project / ".beads" / "beads.db"
    apply(database, backup_folder=project / ".git" / "adw" / "backups")
    location = locate(database, cwd=project, environ={})
    assert (location.tracker, location.is_shared_file, location.database) == (BD, True, database)
