"""What is at the database's path: a database of ours, or something else."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock, default_clock
from adw_state.errors import (
    DatabaseNotFoundError,
    DatabaseUnreadableError,
    NotMigratedError,
    SchemaTooNewError,
)
from adw_state.schema import migration_status, migrations
from adw_state.schema.check import Target
from adw_state.schema.health import check_health
from adw_state.state import BeadsStateManager
from adws.tests.conftest import NOW
from adws.tests.processes import open_files


def _folder(path: Path) -> None:
    path.mkdir()


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("This is not a database, only a long enough text. " * 40)


def _cut(path: Path) -> None:
    _made(path)
    with path.open("rb+") as file:
        file.truncate(5000)


def _garbled(path: Path) -> None:
    _made(path)
    with path.open("rb+") as file:
        file.seek(100)
        file.write(b"\xff" * 8000)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _made(path: Path) -> None:
    migrations.create_store(path, backup_folder=path.parent / "backups", clock=SettableClock(NOW))


_SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a folder": (_folder, "is a folder, not a database"),
    "an empty file": (_empty, "is empty"),
    "a text": (_text, "is not a readable SQLite database: file is not a database"),
    "a file cut short": (_cut, "is not a readable SQLite database: database disk image is malformed"),
    "a garbled file": (_garbled, "is not a readable SQLite database: "),
    "a pipe": (_pipe, "is not a plain file"),
}


@pytest.mark.parametrize("what", list(_SPOILED))
def test_what_is_no_database_is_refused_in_one_sentence_and_left_as_it_is(tmp_path: Path, what: str) -> None:
    make, message = _SPOILED[what]
    path = tmp_path / "beads.db"
    make(path)
    before = _picture(tmp_path)
    uses: list[Callable[[], object]] = [
        lambda: BeadsStateManager(path),
        lambda: migrations.apply(path, backup_folder=tmp_path / "backups"),
        lambda: migration_status.status(path),
    ]
    for use in uses:
        with pytest.raises(DatabaseUnreadableError) as caught:
            use()
        assert str(caught.value).startswith(f"{path} {message}")
        assert caught.value.hint
        assert caught.value.exit_code == 4
    checked = check_health(Target(path, default_clock()))
    assert not checked.ok
    assert _picture(tmp_path) == before


def _picture(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("name", ["missing.db", "no/such/folder/beads.db", "file/beads.db"])
def test_a_missing_database_is_refused_and_never_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    path = tmp_path / name
    uses: list[Callable[[], object]] = [
        lambda: BeadsStateManager(path),
        lambda: migrations.apply(path, backup_folder=tmp_path / "backups"),
        lambda: migrations.roll_back(path, "001", backup_folder=tmp_path / "backups"),
        lambda: migration_status.status(path),
    ]
    for use in uses:
        with pytest.raises(DatabaseNotFoundError) as caught:
            use()
        assert str(caught.value) == f"there is no database at {path}"
    assert not check_health(Target(path, default_clock())).ok
    assert _picture(tmp_path) == {"file": b"x"}


def test_a_trackers_database_without_our_tables_is_refused_unchanged(tracker_db: Path) -> None:
    before = tracker_db.read_bytes()
    with pytest.raises(NotMigratedError) as caught:
        BeadsStateManager(tracker_db)
    assert str(caught.value) == f"{tracker_db} holds no executions yet"
    assert caught.value.hint == f"run `adw migrate up --db {tracker_db}` once (it makes a backup first)"
    assert tracker_db.read_bytes() == before


def test_a_refused_database_is_not_kept_open(tracker_db: Path) -> None:
    before = open_files()
    with pytest.raises(NotMigratedError) as caught:
        BeadsStateManager(tracker_db)
    assert caught.value.__traceback__ is not None  # it refers to all that the opening had made
    assert open_files() == before


def test_a_database_that_a_newer_version_migrated_is_refused(sidecar_db: Path) -> None:
    with closing(sqlite3.connect(sidecar_db)) as connection, connection:
        connection.execute(f"INSERT INTO schema_version VALUES ('999', 'later', 'x', '{NOW}')")
    with pytest.raises(SchemaTooNewError) as caught:
        BeadsStateManager(sidecar_db)
    assert "was migrated to 999 by a newer version" in str(caught.value)


@pytest.mark.parametrize("left", ["", "DELETE FROM schema_version WHERE version > '000'"])
def test_a_database_at_an_older_migration_is_to_be_migrated(sidecar_db: Path, left: str) -> None:
    with closing(sqlite3.connect(sidecar_db)) as connection, connection:
        connection.execute(left or "DELETE FROM schema_version")
    with pytest.raises(NotMigratedError) as caught:
        BeadsStateManager(sidecar_db)
    assert f"is at migration {'000' if left else 'none'}, this version needs" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a b.db", "50%.db", "what?.db", "a#b.db", "ünï.db", "it's.db", os.fsdecode(b"\xff.db")]
)
def test_any_file_name_will_do(tmp_path: Path, sidecar_template: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copyfile(sidecar_template, path)
    with BeadsStateManager(path) as state:
        state.create_execution("proj-7")
        assert len(state.list_executions()) == 1
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_a_link_and_what_it_points_to_are_one_database(sidecar_db: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(sidecar_db)
    with BeadsStateManager(link) as by_link, BeadsStateManager(sidecar_db) as by_name:
        run = by_link.create_execution("proj-7")
        assert by_name.list_executions() == [run]
        assert by_link.path == by_name.path == str(sidecar_db)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["adw", "link.db"]
