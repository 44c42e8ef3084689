"""A file that changes under an open manager: replaced, moved away, rebuilt, its log removed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.errors import AdwError, DatabaseNotFoundError, DatabaseReplacedError, NotMigratedError
from adw_state.state import BeadsStateManager
from adw_state.store.database import Database


def test_a_file_that_was_replaced_is_noticed_and_the_new_one_used(
    sidecar_db: Path, sidecar_template: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "beads.db.corrupt"
    with BeadsStateManager(sidecar_db) as state:
        old = state.create_execution("proj-7")
        _replace(sidecar_db, sidecar_template, moved)
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


def test_a_file_that_is_replaced_while_a_write_waits_for_its_lock_is_noticed(
    sidecar_db: Path, sidecar_template: Path, tmp_path: Path
) -> None:
    def replace(statement: str) -> None:
        if statement == "BEGIN IMMEDIATE" and not moved.exists():
            _replace(sidecar_db, sidecar_template, moved)

    moved = tmp_path / "old.db"
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7")
        writer = state._database._file._writer
        assert writer is not None
        writer.set_trace_callback(replace)
        new = state.create_execution("proj-8", first_checkpoint=("begun", 1))
        assert moved.exists()
    with BeadsStateManager(sidecar_db) as fresh:
        assert fresh.list_executions() == [new]


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
    with closing(Database(sidecar_db)) as database:
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
    with BeadsStateManager(sidecar_db) as state:
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


def _replace(path: Path, template: Path, moved: Path) -> None:
    """Move a database away with its log, and put a copy of the template in its place."""
    for suffix in ("-wal", "-shm", ""):
        Path(f"{path}{suffix}").rename(f"{moved}{suffix}")
    shutil.copyfile(template, path)


def _error(use: Callable[[], object]) -> type[AdwError] | None:
    try:
        use()
    except AdwError as error:
        return type(error)
    return None
