"""Folders and files that may not be written, disks that are full or fail."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.sqlite.connection import FrozenReader, open_reader
from adw_state.engine.sqlite.faults import translate
from adw_state.errors import AdwError, DatabaseReadOnlyError, DiskFullError, StoreFaultError
from adw_state.schema import migrations
from adw_state.state import BeadsStateManager
from adws.tests.processes import run_apart, run_as_ordinary_user


def test_a_file_that_may_not_be_written_can_be_read_and_says_why_it_cannot_be_written(
    open_folder: Path, sidecar_template: Path
) -> None:
    path = open_folder / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    with BeadsStateManager(path) as state:
        state.create_execution("proj-7", adw_id="a")
    path.chmod(0o444)

    def use() -> list[object]:
        with BeadsStateManager(path) as state:
            seen: list[object] = [run.id for run in state.list_executions()]
            for write in (
                lambda: state.create_execution("proj-8"),
                lambda: state.update_execution_status("a", "failed"),
                state.archive_old_executions,
            ):
                try:
                    write()
                except DatabaseReadOnlyError as error:
                    seen.append(str(error).removeprefix(f"{path} "))
            return [*seen, state.check_health().ok]

    refusal = "cannot be written: attempt to write a readonly database"
    assert run_as_ordinary_user(use) == ["a", refusal, refusal, refusal, False]
    with BeadsStateManager(path) as state:
        assert [run.status for run in state.list_executions()] == ["pending"]


def test_a_read_only_folder_does_not_stop_a_reader_and_what_changes_is_seen(
    open_folder: Path, sidecar_template: Path
) -> None:
    path = open_folder / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    path.chmod(0o644)
    with BeadsStateManager(path) as state:
        state.create_execution("proj-7", adw_id="a")
    held, release = os.pipe()
    told, tell = os.pipe()

    def read_twice() -> list[list[str]]:
        with BeadsStateManager(path) as reader:
            seen = [[run.id for run in reader.list_executions()]]
            os.write(tell, b"!")
            os.read(held, 1)
            return [*seen, [run.id for run in reader.list_executions()]]

    if os.geteuid() != 0:
        open_folder.chmod(0o555)

    def write_meanwhile() -> None:
        os.read(told, 1)
        open_folder.chmod(0o755)
        with BeadsStateManager(path) as state:
            state.create_execution("proj-7", adw_id="b")
        os.write(release, b"!")

    writer = threading.Thread(target=write_meanwhile)
    writer.start()
    seen = run_as_ordinary_user(read_twice)
    writer.join()
    assert seen == [["a"], ["b", "a"]]


def test_a_frozen_reader_is_used_only_where_no_log_can_be_made(
    open_folder: Path, sidecar_template: Path
) -> None:
    path = open_folder / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    path.chmod(0o644)
    open_folder.chmod(0o555)

    def kind() -> str:
        with closing(open_reader(path)) as connection:
            return type(connection).__name__

    assert run_as_ordinary_user(kind) == FrozenReader.__name__
    open_folder.chmod(0o777)
    assert run_as_ordinary_user(kind) == sqlite3.Connection.__name__


def test_a_folder_on_the_way_that_may_not_be_entered_is_one_clear_error(
    open_folder: Path, sidecar_template: Path
) -> None:
    shut = open_folder / "shut"
    shut.mkdir()
    path = shut / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    shut.chmod(0o000)

    def use() -> str:
        try:
            BeadsStateManager(path)
        except DatabaseReadOnlyError as error:
            return str(error)
        return "opened"

    assert run_as_ordinary_user(use) == f"{path} cannot be reached: Permission denied"


def test_a_store_is_not_made_where_that_is_not_allowed(open_folder: Path) -> None:
    def use() -> list[str]:
        said = []
        for path in (open_folder / "adw" / "state.sqlite3", open_folder):
            try:
                migrations.create_store(path, backup_folder=open_folder / "backups")
            except AdwError as error:
                said.append(f"{type(error).__name__}: {error}")
        return said

    open_folder.chmod(0o555)
    assert run_as_ordinary_user(use) == [
        f"DatabaseReadOnlyError: {open_folder}/adw/state.sqlite3 cannot be made: Permission denied",
        f"DatabaseUnreadableError: {open_folder} is a folder, not a database",
    ]
    assert list(open_folder.iterdir()) == []


def _driver_error(*statements: str) -> sqlite3.Error:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        try:
            for statement in statements:
                connection.execute(statement)
        except sqlite3.Error as error:
            return error
    raise AssertionError("no error")


def test_a_full_disk_and_a_fault_without_a_name_are_translated_too() -> None:
    path = Path("/x.db")
    full = _driver_error(
        "PRAGMA max_page_count = 2", "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(100000))"
    )
    assert isinstance(translate(full, path), DiskFullError)
    assert str(translate(full, path)) == "there is no room left to write /x.db"
    unknown = translate(_driver_error("SELECT * FROM nowhere"), path)
    assert type(unknown) is StoreFaultError
    assert str(unknown) == "/x.db: no such table: nowhere (SQLITE_ERROR)"
    assert isinstance(translate(sqlite3.ProgrammingError("closed"), path), StoreFaultError)


def test_a_database_that_may_not_grow_refuses_the_write_and_keeps_nothing_of_it(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        kept = state.create_execution("proj-7", first_checkpoint=("x", 1))
        pages = state._database.write(lambda tx: tx.all("PRAGMA page_count")[0][0])
        state._database.write(lambda tx: tx.all(f"PRAGMA max_page_count = {pages + 2}"))
        with pytest.raises(DiskFullError) as caught:
            state.create_execution("proj-8", adw_id="b", first_checkpoint=("x", "y" * 50_000))
        assert str(caught.value) == f"there is no room left to write {sidecar_db}"
        assert state.get_execution("b") is None
        state.close()
        assert state.create_execution("proj-8", first_checkpoint=("x", "y" * 50_000)).issue_id == "proj-8"
        assert state.get_execution(kept.id) == kept
        assert state.check_health().ok


def test_a_disk_that_fails_in_the_middle_of_a_write_leaves_nothing_half_written(sidecar_db: Path) -> None:
    def work() -> list[str]:
        said = []
        with BeadsStateManager(sidecar_db) as state:
            state.create_execution("proj-7", adw_id="a")
            log = Path(f"{sidecar_db}-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (log + 6000, resource.RLIM_INFINITY))
            try:
                state.create_execution("proj-8", adw_id="b", first_checkpoint=("x", "y" * 50_000))
            except AdwError as error:
                said += [str(error), str(error.hint)]
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            state.create_execution("proj-9", adw_id="c", first_checkpoint=("x", "y" * 50_000))
            return said

    assert run_apart(work) == [
        f"{sidecar_db} cannot be read or written: disk I/O error (SQLITE_IOERR_WRITE)",
        "check the disk, its quota and the system's log; nothing half-written was kept",
    ]
    with BeadsStateManager(sidecar_db) as state:
        assert sorted(run.id for run in state.list_executions()) == ["a", "c"]
        assert state.list_checkpoints("b") == []
        assert state.check_health().ok


def test_what_outlives_a_connection_is_left_as_it_was(sidecar_db: Path, clock: SettableClock) -> None:
    def settings() -> list[object]:
        with closing(sqlite3.connect(sidecar_db)) as connection:
            return [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "user_version", "application_id", "page_size", "auto_vacuum")
            ]

    with closing(sqlite3.connect(sidecar_db)) as connection:
        connection.execute("PRAGMA user_version = 7")
        connection.execute("PRAGMA application_id = 11")
        connection.execute("PRAGMA journal_mode = DELETE")
    before = settings()
    assert before[:3] == ["delete", 7, 11]
    with BeadsStateManager(sidecar_db, clock=clock) as state:
        run = state.create_execution("proj-7")
        state.update_execution_status(run.id, "completed")
        state.archive_old_executions(0)
        assert state.check_health().ok
    assert settings() == before
