"""What is on a read-only medium or a full disk can be read, what is only in the write-ahead log included."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest

from adw_state.errors import AdwError, DatabaseReadOnlyError, DatabaseUnreadableError, DiskFullError
from adw_state.state import BeadsStateManager
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import read_issue
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.mounts import fill_up, with_read_only, with_small_disk
from adws.tests.processes import run_apart, run_as_ordinary_user


def killed_writer(path: Path) -> None:
    """Leave an issue's new title and a run in the log alone, as a process does that is killed."""

    def work() -> None:
        tracker = sqlite3.connect(path, isolation_level=None)
        tracker.execute("UPDATE issues SET title = 'Only in the log' WHERE id = 'demo-1'")
        BeadsStateManager(path).create_execution("demo-1", adw_id="run-1")
        os._exit(0)

    with pytest.raises(AssertionError):
        run_apart(work)


def prepare(folder: Path, template: Path, log: str) -> Path:
    """A tracker's database with or without a log; `gone` is a log whose -shm file is gone."""
    path = folder / ".beads" / "beads.db"
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(template, path)
    if log == "none":
        with BeadsStateManager(path) as state:
            state.create_execution("demo-1", adw_id="run-1")
    else:
        killed_writer(path)
    if log == "gone":
        path.with_name("beads.db-shm").unlink()
    return path


def seen(folder: Path, path: Path) -> list[object]:
    """What can be read, and what kind of error a write meets."""
    location = locate(cwd=folder, environ={})
    title = read_issue(location, "demo-1").title
    with BeadsStateManager(path) as state:
        found: list[object] = [title, [run.id for run in state.list_executions()], state.check_health().ok]
        try:
            state.update_execution_status("run-1", "failed", error_message="x" * 9000)
        except AdwError as error:
            found.append(type(error).__name__)
        return [*found, [run.status for run in state.list_executions()]]


EXPECTED: dict[str, Any] = {
    "none": ["Login fails on Safari", ["run-1"], False],
    "whole": ["Only in the log", ["run-1"], False],
    "gone": ["Only in the log", ["run-1"], False],
}


@pytest.mark.parametrize("log", EXPECTED)
def test_a_read_only_medium_is_read_with_its_log(log: str, tmp_path: Path, beads_template: Path) -> None:
    path = prepare(tmp_path, beads_template, log)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.suffix != ".db-shm"}

    found = with_read_only(tmp_path, lambda: seen(tmp_path, path))

    assert found == [*EXPECTED[log], DatabaseReadOnlyError.__name__, ["pending"]]
    assert {name: path.with_name(name).read_bytes() for name in before} == before
    assert list(Path(tempfile.gettempdir()).glob(f"adw-copy-{os.getpid()}-*")) == []


@pytest.mark.parametrize("log", EXPECTED)
def test_a_full_disk_is_read_with_its_log(log: str, tmp_path: Path, beads_template: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def work() -> list[object]:
        path = prepare(disk, beads_template, log)
        fill_up(disk, leaving=0)
        return seen(disk, path)

    found = with_small_disk(disk, "4m", work)
    assert found == [*EXPECTED[log], DiskFullError.__name__, ["pending"]]


def test_reconciling_that_is_due_waits_until_the_disk_has_room(tmp_path: Path, beads_template: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def work() -> list[object]:
        path = prepare(disk, beads_template, "none")
        replays.rename(path, "demo-1", "demo-9")
        filler = fill_up(disk, leaving=0)
        with BeadsStateManager(path) as state:
            full: list[object] = [
                state.reconciliation_pending,
                [run.issue_id for run in state.list_executions()],
            ]
        filler.unlink()
        with BeadsStateManager(path) as state:
            return [*full, state.reconciliation_pending, [run.issue_id for run in state.list_executions()]]

    assert with_small_disk(disk, "4m", work) == [True, ["demo-1"], False, ["demo-9"]]


def test_what_another_user_keeps_from_us_is_named(open_folder: Path, sidecar_template: Path) -> None:
    path = open_folder / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    log = path.with_name("state.sqlite3-wal")
    log.write_bytes(b"x" * 100)
    path.chmod(0o644)
    log.chmod(0o600)
    if os.geteuid() != 0:
        log.chmod(0o000)

    def work() -> str:
        with pytest.raises(DatabaseUnreadableError) as refusal:
            BeadsStateManager(path)
        return str(refusal.value)

    assert run_as_ordinary_user(work) == f"{log} cannot be read: Permission denied"


def test_a_folder_that_may_not_be_entered_is_one_clear_error(
    open_folder: Path, sidecar_template: Path
) -> None:
    (open_folder / ".adw").mkdir()
    path = open_folder / ".adw" / "state.sqlite3"
    shutil.copyfile(sidecar_template, path)
    location = locate(cwd=open_folder, environ={})
    path.parent.chmod(0o000)

    def work() -> list[str]:
        said = []
        for use in (location.database_exists, lambda: BeadsStateManager(path)):
            with pytest.raises((DatabaseReadOnlyError, DatabaseUnreadableError)) as refusal:
                use()
            said.append(str(refusal.value))
        return said

    assert run_as_ordinary_user(work) == [f"{path} cannot be reached: Permission denied"] * 2
