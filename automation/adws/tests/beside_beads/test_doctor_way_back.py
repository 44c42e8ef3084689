"""What the doctor advises can be done as it is printed, and leads to a database without faults."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor.examination import examine
from adw_state.engine.sqlite.backup import back_up
from adw_state.errors import StoreFaultError
from adw_state.schema import migrations
from adw_state.schema.check import Check, Finding, Stage, Target
from adw_state.state import BeadsStateManager
from adws.tests.beside_beads.checked import Checked
from adws.tests.beside_beads.history import archived, live, rows, run_on
from adws.tests.beside_beads.mounts import fill_up, with_small_disk
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
def alone(tmp_path: Path, clock: SettableClock) -> Checked:
    """A project without a tracker, in a folder whose name needs quotes; it has one run and a backup."""
    project = Checked(tmp_path / ODD_NAME, clock)
    location = project.project.location
    migrations.create_store(location.database, backup_folder=location.state_dir / "b", clock=clock)
    with project.open() as state:
        run_on(state, "demo-1")
    back_up(location.database, location.state_dir / "backups", "daily", clock.now())
    return project


@pytest.fixture
def checked(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Checked:
    """A project with a tracker, in a folder whose name needs quotes; it has one run and a backup."""
    project = Checked(tmp_path / ODD_NAME, clock, beads_template)
    with project.open() as state:
        run_on(state, "demo-1")
    back_up(project.file, project.project.location.state_dir / "backups", "daily", clock.now())
    return project


def do(project: Checked, commands: str) -> None:
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


def of_damage(project: Checked) -> Finding:
    (finding,) = (one for one in project.findings() if one.damaged and one.severity == "error")
    return finding


def executions(project: Checked) -> list[str]:
    with project.open() as state:
        return [run.issue_id for run in state.list_executions()]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_sidecar_comes_back_by_the_commands_that_are_printed(alone: Checked, damage: str) -> None:
    DAMAGE[damage](alone.project.location.database)

    fix = of_damage(alone).fix
    assert fix is not None
    do(alone, fix)

    assert executions(alone) == ["demo-1"]
    assert [one for one in alone.findings() if one.severity == "error"] == []


def test_a_second_damage_does_not_overwrite_what_was_put_away_before(alone: Checked) -> None:
    for _ in range(2):
        DAMAGE["a page"](alone.project.location.database)
        fix = of_damage(alone).fix
        assert fix is not None
        do(alone, fix)

    folder = alone.project.location.state_dir
    assert {"state.sqlite3.corrupt", "state.sqlite3.corrupt-2"} <= {path.name for path in folder.iterdir()}
    assert executions(alone) == ["demo-1"]


def test_a_damaged_file_of_a_tracker_comes_back_from_the_backup_where_there_is_no_bd(
    checked: Checked,
) -> None:
    DAMAGE["a page"](checked.file)

    fix = of_damage(checked).fix
    assert fix is not None
    do(checked, fix)

    assert executions(checked) == ["demo-1"]
    assert [one for one in checked.findings() if one.severity == "error"] == []


def test_a_damaged_file_of_a_tracker_is_for_bd_to_rebuild_where_there_is_one(checked: Checked) -> None:
    (checked.folder / "bin").mkdir()
    (checked.folder / "bin" / "bd").write_text("#!/bin/sh\n")
    (checked.folder / "bin" / "bd").chmod(0o755)
    checked.environ = {**checked.environ, "PATH": str(checked.folder / "bin")}
    DAMAGE["a page"](checked.file)

    assert of_damage(checked).fix == "bd doctor --fix; adw restore"


def test_without_bd_and_a_backup_it_is_said_what_is_needed(checked: Checked) -> None:
    shutil.rmtree(checked.project.location.state_dir)
    DAMAGE["a page"](checked.file)

    finding = of_damage(checked)

    assert finding.fix is None
    assert "install the version of bd that made it, run `bd doctor --fix`" in str(finding.advice)


@pytest.mark.parametrize("log", [False, True])
def test_on_a_full_disk_a_sound_file_is_not_called_damaged(
    tmp_path: Path, clock: SettableClock, beads_template: Path, *, log: bool
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def work() -> list[tuple[str, str, str | None]]:
        project = Checked(disk / "project", clock, beads_template)
        with project.open() as state:
            run_on(state, "demo-1")
            if log:
                shutil.copyfile(f"{project.file}-wal", disk / "log")
        if log:
            shutil.copyfile(disk / "log", f"{project.file}-wal")
        fill_up(disk, leaving=0)
        found = project.findings()
        return [(one.check, one.severity, one.fix) for one in found if one.severity in ("warning", "error")]

    found = with_small_disk(disk, "6m", work)
    assert found == [("disk", "warning", None), ("writable", "error", None)]


@pytest.mark.parametrize("damage", ["the schema", "the header"])
def test_every_command_that_meets_damage_leads_to_the_doctor(damage: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    DAMAGE[damage](Path(project.adw("where", "--json").json["database"]))

    for words in ("status", "list", "show x", "health", "migrate up", "migrate status", "archive", "restore"):
        ran = project.adw(*words.split())
        assert ran.code == 4, words
        said = " ".join((ran.out + ran.err).split())
        if words == "health":  # it is the doctor's short form
            assert "adw restore" in said
        else:
            assert "What to do: `adw doctor` names the commands that bring the history back" in said, words


@pytest.mark.parametrize("damage", ["the schema", "the header"])
def test_a_tracker_s_file_that_cannot_even_be_recognised_has_a_way_back_too(
    checked: Checked, damage: str, beads_template: Path
) -> None:
    DAMAGE[damage](checked.file)
    project = Project(checked.folder / "in git", tracker=False)
    (project.folder / ".beads").mkdir()
    shutil.copyfile(checked.file, project.folder / ".beads" / "beads.db")

    ran = project.adw("doctor", environ={"PATH": os.environ["PATH"]})

    said = " ".join(ran.out.split())
    assert ran.code == 4
    assert "adw restore" in said
    assert "What to do: adw where" not in said


def test_a_check_that_is_added_reaches_the_doctor_with_its_meaning(alone: Checked) -> None:
    weather: Check[Target] = Check(
        "weather",
        Stage.USE,
        lambda target: [Finding("warning", "It rains.", advice="wait")],
        why="Clouds are near.",
    )

    assert examine(alone.project, (weather,)) == [
        Finding("warning", "It rains.", "Clouds are near.", advice="wait", check="weather")
    ]


def test_health_and_the_doctor_name_the_same_faults(alone: Checked) -> None:
    alone.change("DROP VIEW recent_failures", path=alone.project.location.database)
    with BeadsStateManager(alone.project.location.database) as state:
        found = state.check_health().findings
    faults = {one.check: one.severity for one in found if one.severity != "ok"}
    assert faults == {"schema": "error"}
    assert alone.complaints() == faults


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


@pytest.mark.parametrize("kind", ["checked", "alone"])
@pytest.mark.parametrize("damage", SCHEMA_DAMAGE)
def test_a_changed_schema_is_made_anew_by_the_commands_that_are_printed(
    request: pytest.FixtureRequest, kind: str, damage: str
) -> None:
    project: Checked = request.getfixturevalue(kind)
    file = project.project.location.database
    with project.open() as state:
        state.update_execution_status(run_on(state, "demo-2").id, "completed")
        project.clock.advance(hours=1)
        assert state.archive_old_executions(days=0) == 1
    back_up(file, project.project.location.state_dir / "backups", "later", project.clock.now())
    before = checkpoints(file)
    project.change(*SCHEMA_DAMAGE[damage], path=file)

    finding = project.the("schema")
    assert finding.fix == "adw migrate rollback 000; adw migrate up; adw restore"
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


def test_a_column_that_somebody_added_hides_no_run(checked: Checked) -> None:
    for table in ("adw_executions", "adw_phase_attempts", "adw_checkpoints"):
        checked.change(f"ALTER TABLE {table} ADD COLUMN theirs TEXT DEFAULT 'x'")

    with checked.open() as state:
        (run,) = state.list_executions()
        attempts, points = state.list_attempts(run.id), state.list_checkpoints(run.id)

    assert (run.issue_id, len(attempts), len(points)) == ("demo-1", 1, 2)


@pytest.mark.parametrize(
    ("table", "column", "number"),
    [
        ("adw_executions", "pr_url", 29),
        ("adw_phase_attempts", "session_id", 23),
        ("adw_checkpoints", "created_at", 8),
    ],
)
def test_a_lost_column_is_named_and_leads_to_the_doctor(
    checked: Checked, table: str, column: str, number: int
) -> None:
    with checked.open() as state:
        (run,) = state.list_executions()
        checked.change(
            "DROP VIEW stale_checkpoints",
            "DROP VIEW adw_signs_of_life",
            "DROP TRIGGER adw_executions_archive_before_delete",
            "DROP TRIGGER adw_phase_attempts_archive_before_delete",
            "DROP TRIGGER adw_checkpoints_archive_before_delete",
            f"ALTER TABLE {table} DROP COLUMN {column}",
        )
        with pytest.raises(StoreFaultError) as caught:
            state.list_executions(), state.list_attempts(run.id), state.list_checkpoints(run.id)

    assert str(caught.value) == f"the table {table} has lost 1 of its {number} columns"
    assert caught.value.hint == "`adw doctor` names the commands that bring them back"
    fix = checked.the("schema").fix
    assert fix is not None
    do(checked, fix)
    assert executions(checked) == ["demo-1"]
