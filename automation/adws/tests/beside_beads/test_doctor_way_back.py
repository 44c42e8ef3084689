"""What the doctor advises can be done as it is printed, and leads to a database that is well."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor.findings import Finding
from adw_state.errors import StoreFaultError
from adw_state.state import BeadsStateManager
from adw_state.store import health, migrations
from adw_state.store.backup import back_up
from adw_state.store.health import Check
from adws.tests.beside_beads.history import archived, live, rows, run_on
from adws.tests.beside_beads.mounts import fill_up, with_small_disk
from adws.tests.beside_beads.patients import Sick
from adws.tests.project import PROGRAMS, Project

ODD_NAME = 'it\'s a "project" with $HOME, 100%25 #1?'


def overwrite(path: Path, offset: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(b"\xff" * length)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a page": lambda path: overwrite(path, -4096, 4096),
    "the schema": lambda path: overwrite(path, 100, 3900),
    "the header": lambda path: overwrite(path, 0, 100),
    "the end cut off": lambda path: os.truncate(path, 8192),
    "all but a text": lambda path: _write(path, b"this is no database, although it is long enough" * 9),
}


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.fixture
def alone(tmp_path: Path, clock: SettableClock) -> Sick:
    """A project without a tracker, in a folder whose name needs quotes; it has one run and a backup."""
    project = Sick(tmp_path / ODD_NAME, clock)
    location = project.patient.location
    migrations.create_store(location.database, backup_folder=location.state_dir / "b", clock=clock)
    with project.open() as state:
        run_on(state, "demo-1")
    back_up(location.database, location.state_dir / "backups", "daily", clock.now())
    return project


@pytest.fixture
def sick(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Sick:
    """A project with a tracker, in a folder whose name needs quotes; it has one run and a backup."""
    project = Sick(tmp_path / ODD_NAME, clock, beads_template)
    with project.open() as state:
        run_on(state, "demo-1")
    back_up(project.file, project.patient.location.state_dir / "backups", "daily", clock.now())
    return project


def do(project: Sick, commands: str) -> None:
    """Run commands as a user would who copies them."""
    path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-e", "-c", commands.replace("; ", "\n")],
        cwd=project.folder,
        env={**os.environ, "PATH": path, "GIT_CEILING_DIRECTORIES": str(project.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (commands, done.stdout, done.stderr)


def of_damage(project: Sick) -> Finding:
    (finding,) = (
        one for one in project.findings() if one.name in ("integrity", "file") and one.severity == "error"
    )
    return finding


def executions(project: Sick) -> list[str]:
    with project.open() as state:
        return [run.issue_id for run in state.list_executions()]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_sidecar_comes_back_by_the_commands_that_are_printed(alone: Sick, damage: str) -> None:
    DAMAGE[damage](alone.patient.location.database)

    fix = of_damage(alone).fix
    assert fix is not None
    do(alone, fix)

    assert executions(alone) == ["demo-1"]
    assert [one for one in alone.findings() if one.severity == "error"] == []


def test_a_second_damage_does_not_overwrite_what_was_put_away_before(alone: Sick) -> None:
    for _ in range(2):
        DAMAGE["a page"](alone.patient.location.database)
        fix = of_damage(alone).fix
        assert fix is not None
        do(alone, fix)

    folder = alone.patient.location.state_dir
    assert {"state.sqlite3.corrupt", "state.sqlite3.corrupt-2"} <= {path.name for path in folder.iterdir()}
    assert executions(alone) == ["demo-1"]


def test_a_damaged_file_of_a_tracker_comes_back_from_the_backup_where_there_is_no_bd(sick: Sick) -> None:
    DAMAGE["a page"](sick.file)

    fix = of_damage(sick).fix
    assert fix is not None
    do(sick, fix)

    assert executions(sick) == ["demo-1"]
    assert [one for one in sick.findings() if one.severity == "error"] == []


def test_a_damaged_file_of_a_tracker_is_for_bd_to_rebuild_where_there_is_one(sick: Sick) -> None:
    (sick.folder / "bin").mkdir()
    (sick.folder / "bin" / "bd").write_text("#!/bin/sh\n")
    (sick.folder / "bin" / "bd").chmod(0o755)
    sick.environ = {**sick.environ, "PATH": str(sick.folder / "bin")}
    DAMAGE["a page"](sick.file)

    assert of_damage(sick).fix == "bd doctor --fix; adw restore"


def test_without_bd_and_a_backup_it_is_said_what_is_needed(sick: Sick) -> None:
    shutil.rmtree(sick.patient.location.state_dir)
    DAMAGE["a page"](sick.file)

    finding = of_damage(sick)

    assert finding.fix is None
    assert "install the version of bd that made it, run `bd doctor --fix`" in finding.why


@pytest.mark.parametrize("log", [False, True])
def test_on_a_full_disk_a_sound_file_is_not_called_damaged(
    tmp_path: Path, clock: SettableClock, beads_template: Path, *, log: bool
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def work() -> list[tuple[str, str, str | None]]:
        project = Sick(disk / "project", clock, beads_template)
        with project.open() as state:
            run_on(state, "demo-1")
            if log:
                shutil.copyfile(f"{project.file}-wal", disk / "log")
        if log:
            shutil.copyfile(disk / "log", f"{project.file}-wal")
        fill_up(disk, leaving=0)
        found = project.findings()
        return [(one.name, one.severity, one.fix) for one in found if one.severity in ("warning", "error")]

    found = with_small_disk(disk, "6m", work)
    assert found == [("writable", "error", None), ("disk", "warning", None)]


@pytest.mark.parametrize("damage", ["the schema", "the header"])
def test_every_command_that_meets_damage_leads_to_the_doctor(damage: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    DAMAGE[damage](Path(project.adw("where", "--json").json["database"]))

    for words in ("status", "list", "show x", "health", "migrate", "migrate --status", "archive", "restore"):
        ran = project.adw(*words.split())
        assert ran.code == 4, words
        assert "What to do: `adw doctor` names the commands that bring the history back" in ran.err, words


@pytest.mark.parametrize("damage", ["the schema", "the header"])
def test_a_tracker_s_file_that_cannot_even_be_recognised_has_a_way_back_too(
    sick: Sick, damage: str, beads_template: Path
) -> None:
    DAMAGE[damage](sick.file)
    project = Project(sick.folder / "in git", tracker=False)
    (project.folder / ".beads").mkdir()
    shutil.copyfile(sick.file, project.folder / ".beads" / "beads.db")

    ran = project.adw("doctor", environ={"PATH": os.environ["PATH"]})

    said = " ".join(ran.out.split())
    assert ran.code == 4
    assert "adw restore" in said
    assert "To do: adw where" not in said


def test_a_health_check_of_a_new_name_reaches_the_doctor_with_its_meaning(
    alone: Sick, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(path: Path) -> Iterator[Check]:
        yield Check(
            "weather", ok=False, detail="it rains", hint="wait", severity="warning", why="Clouds are near."
        )

    monkeypatch.setattr(health, "_room", look)

    assert alone.the("weather") == Finding(
        "weather", "warning", "It rains.", "Clouds are near. What to do: wait."
    )


def test_health_and_the_doctor_name_the_same_faults(alone: Sick) -> None:
    alone.change("DROP VIEW recent_failures", path=alone.patient.location.database)
    with BeadsStateManager(alone.patient.location.database) as state:
        unwell = {check.name: check.severity for check in state.check_health().checks if not check.ok}
    assert unwell == {"schema": "error"}
    assert alone.complaints() == unwell


SCHEMA_DAMAGE: dict[str, tuple[str, ...]] = {
    "a lost table": ("DROP TABLE adw_checkpoints",),
    "lost tables": (
        "DROP TABLE adw_checkpoints",
        "DROP TABLE adw_phase_attempts",
        "DROP TABLE adw_executions",
    ),
    "a lost index": ("DROP INDEX idx_executions_status",),
    "another index": (
        "DROP INDEX idx_executions_status",
        "CREATE INDEX idx_executions_status ON adw_executions (phase)",
    ),
    "a column of somebody's": ("ALTER TABLE adw_executions ADD COLUMN theirs TEXT",),
    "a lost table of the archives": ("DROP TABLE adw_checkpoints_archive",),
}


@pytest.mark.parametrize("kind", ["sick", "alone"])
@pytest.mark.parametrize("damage", SCHEMA_DAMAGE)
def test_a_changed_schema_is_made_anew_by_the_commands_that_are_printed(
    request: pytest.FixtureRequest, kind: str, damage: str
) -> None:
    project: Sick = request.getfixturevalue(kind)
    file = project.patient.location.database
    with project.open() as state:
        state.update_execution_status(run_on(state, "demo-2").id, "completed")
        project.clock.advance(hours=1)
        assert state.archive_old_executions(days=0) == 1
    back_up(file, project.patient.location.state_dir / "backups", "later", project.clock.now())
    before = checkpoints(file)
    project.change(*SCHEMA_DAMAGE[damage], path=file)

    finding = project.the("schema")
    assert finding.fix == "adw migrate --rollback --version 000; adw migrate; adw restore"
    assert "adw doctor" not in finding.why
    do(project, finding.fix)

    assert [one for one in project.findings() if one.severity == "error"] == []
    assert live_and_archived(file) == (["demo-1"], ["demo-2"])
    assert checkpoints(file) == before


def live_and_archived(file: Path) -> tuple[list[str], list[str]]:
    return sorted(live(file).values()), sorted(issue for issue, _ in archived(file).values())


def checkpoints(file: Path) -> list[tuple[object, ...]]:
    return rows(
        file,
        "SELECT op_id, checkpoint_data FROM adw_checkpoints"
        " UNION SELECT op_id, checkpoint_data FROM adw_checkpoints_archive ORDER BY op_id",
    )


def test_a_column_that_somebody_added_hides_no_run(sick: Sick) -> None:
    for table in ("adw_executions", "adw_phase_attempts", "adw_checkpoints"):
        sick.change(f"ALTER TABLE {table} ADD COLUMN theirs TEXT DEFAULT 'x'")

    with sick.open() as state:
        (run,) = state.list_executions()
        attempts, points = state.list_attempts(run.id), state.list_checkpoints(run.id)

    assert (run.issue_id, len(attempts), len(points)) == ("demo-1", 1, 2)


@pytest.mark.parametrize(
    ("table", "column", "number"),
    [
        ("adw_executions", "pr_url", 24),
        ("adw_phase_attempts", "session_id", 15),
        ("adw_checkpoints", "created_at", 8),
    ],
)
def test_a_lost_column_is_named_and_leads_to_the_doctor(
    sick: Sick, table: str, column: str, number: int
) -> None:
    with sick.open() as state:
        (run,) = state.list_executions()
        sick.change(
            "DROP VIEW IF EXISTS stale_checkpoints",
            "DROP TRIGGER adw_executions_archive_before_delete",
            "DROP TRIGGER adw_phase_attempts_archive_before_delete",
            "DROP TRIGGER adw_checkpoints_archive_before_delete",
            f"ALTER TABLE {table} DROP COLUMN {column}",
        )
        with pytest.raises(StoreFaultError) as caught:
            state.list_executions(), state.list_attempts(run.id), state.list_checkpoints(run.id)

    assert str(caught.value) == f"the table {table} has lost 1 of its {number} columns"
    assert caught.value.hint == "`adw doctor` names the commands that bring them back"
    fix = sick.the("schema").fix
    assert fix is not None
    do(sick, fix)
    assert executions(sick) == ["demo-1"]
