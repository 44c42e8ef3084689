"""What is at the database's path: a database of ours, something else, or something new every minute."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adws.adw_modules.clock import SettableClock
from adws.adw_modules.errors import (
    AdwError,
    DatabaseNotFoundError,
    DatabaseReadOnlyError,
    DatabaseReplacedError,
    DatabaseUnreadableError,
    DiskFullError,
    NotMigratedError,
    SchemaTooNewError,
    StoreFaultError,
)
from adws.adw_modules.state import BeadsStateManager
from adws.adw_modules.store import health, migration_status, migrations
from adws.adw_modules.store.connection import FrozenReader, open_reader
from adws.adw_modules.store.database import Database
from adws.adw_modules.store.faults import translate
from adws.tests.conftest import NOW
from adws.tests.processes import run_apart, run_as_ordinary_user


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
        lambda: migrations.apply(path, beside_issues=True, backup_folder=tmp_path / "backups"),
        lambda: migration_status.status(path),
    ]
    for use in uses:
        with pytest.raises(DatabaseUnreadableError) as caught:
            use()
        assert str(caught.value).startswith(f"{path} {message}")
        assert caught.value.hint
        assert caught.value.exit_code == 4
    checked = health.check(path, beside_issues=True)
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
        lambda: migrations.apply(path, beside_issues=True, backup_folder=tmp_path / "backups"),
        lambda: migrations.roll_back(path, "001", backup_folder=tmp_path / "backups"),
        lambda: migration_status.status(path),
    ]
    for use in uses:
        with pytest.raises(DatabaseNotFoundError) as caught:
            use()
        assert str(caught.value) == f"there is no database at {path}"
    assert not health.check(path, beside_issues=True).ok
    assert _picture(tmp_path) == {"file": b"x"}


def test_a_trackers_database_without_our_tables_is_refused_unchanged(tracker_db: Path) -> None:
    before = tracker_db.read_bytes()
    with pytest.raises(NotMigratedError) as caught:
        BeadsStateManager(tracker_db)
    assert str(caught.value) == f"{tracker_db} holds no executions yet"
    assert caught.value.hint == f"run `adw migrate --db {tracker_db}` once (it makes a backup first)"
    assert tracker_db.read_bytes() == before


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


def test_a_file_that_was_replaced_is_noticed_and_the_new_one_used(
    sidecar_db: Path, sidecar_template: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "beads.db.corrupt"
    with BeadsStateManager(sidecar_db) as state:
        old = state.create_execution("proj-7")
        sidecar_db.rename(moved)
        for log in ("-wal", "-shm"):
            Path(f"{sidecar_db}{log}").rename(f"{moved}{log}")
        shutil.copyfile(sidecar_template, sidecar_db)
        assert state.get_execution(old.id) is None
        new = state.create_execution("proj-8")
        state.save_checkpoint(new.id, "plan", "x", 1)
        assert state.load_checkpoint(new.id) is not None
        assert state.list_executions() == [new]
    with BeadsStateManager(moved) as quarantined:
        assert quarantined.list_executions() == [old]
    with BeadsStateManager(sidecar_db) as fresh:
        assert fresh.list_executions() == [new]


def test_the_first_write_after_a_replacement_goes_to_the_new_file(
    sidecar_db: Path, sidecar_template: Path, tmp_path: Path
) -> None:
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7")
        sidecar_db.rename(tmp_path / "old.db")
        for log in ("-wal", "-shm"):
            Path(f"{sidecar_db}{log}").unlink()
        shutil.copyfile(sidecar_template, sidecar_db)
        new = state.create_execution("proj-8")
        assert state.retries == 0
    with BeadsStateManager(sidecar_db) as fresh:
        assert fresh.list_executions() == [new]


def test_what_is_written_after_another_program_removed_the_log_is_seen_by_others(sidecar_db: Path) -> None:
    def ids() -> list[str]:
        # In a process of its own, and not by a fork, before which a manager closes its connections.
        program = (
            "import sqlite3, sys; rows = sqlite3.connect(sys.argv[1]).execute("
            "'SELECT id FROM adw_executions');"
            "print(*sorted(row[0] for row in rows))"
        )
        said = subprocess.run([sys.executable, "-c", program, sidecar_db], capture_output=True, text=True)
        return said.stdout.split()

    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7", adw_id="before")
        Path(f"{sidecar_db}-wal").unlink()
        Path(f"{sidecar_db}-shm").unlink()
        state.create_execution("proj-8", adw_id="after", first_checkpoint=("x", 1))
        assert "after" in ids()
        assert sorted(run.id for run in state.list_executions()) == ids()


def test_an_open_manager_whose_file_lost_our_tables_says_so_each_time(
    sidecar_db: Path, tracker_db: Path, tmp_path: Path
) -> None:
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7")
        sidecar_db.rename(tmp_path / "beads.db.corrupt")
        for log in ("-wal", "-shm"):
            Path(f"{sidecar_db}{log}").unlink()
        shutil.copyfile(tracker_db, sidecar_db)
        assert [_error(state.list_executions) for _ in range(3)] == [NotMigratedError] * 3
        assert _error(lambda: state.create_execution("demo-1")) is NotMigratedError


def test_without_a_manager_a_replaced_file_is_an_error_that_says_so(
    sidecar_db: Path, sidecar_template: Path, tmp_path: Path
) -> None:
    database = Database(sidecar_db)
    database.read(lambda tx: None)
    sidecar_db.rename(tmp_path / "old.db")
    shutil.copyfile(sidecar_template, sidecar_db)
    uses: list[Callable[[], object]] = [
        lambda: database.read(lambda tx: None),
        lambda: database.write(lambda tx: None),
        lambda: database.select("SELECT 1"),
    ]
    for use in uses:
        with pytest.raises(
            DatabaseReplacedError, match="was replaced by another file while this process had it"
        ):
            use()


def test_a_manager_whose_file_is_away_for_a_while_says_so_each_time_and_then_goes_on(
    sidecar_db: Path, tracker_db: Path, tmp_path: Path
) -> None:
    state = BeadsStateManager(sidecar_db)
    run = state.create_execution("proj-7")
    state.close()
    away = sidecar_db.rename(tmp_path / "away.db")
    assert [_error(lambda: state.get_execution(run.id)) for _ in range(2)] == [DatabaseNotFoundError] * 2
    assert not sidecar_db.exists()
    shutil.copyfile(tracker_db, sidecar_db)  # a tracker that rebuilt its file: our tables are not in it
    assert [_error(lambda: state.get_execution(run.id)) for _ in range(2)] == [NotMigratedError] * 2
    assert _error(lambda: state.create_execution("proj-8")) is NotMigratedError
    away.rename(sidecar_db)
    assert state.get_execution(run.id) == run
    state.close()


def _error(use: Callable[[], object]) -> type[AdwError] | None:
    try:
        use()
    except AdwError as error:
        return type(error)
    return None


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
