"""`adw doctor` as a user types it: what it prints, what `--fix` repairs, and what it leaves."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.sqlite.private_copy import SCRATCH_PREFIX
from adw_state.schema.check import exit_code
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.checked import Checked
from adws.tests.beside_beads.history import archived, complaints, everything, live, run_on
from adws.tests.beside_beads.mounts import with_read_only
from adws.tests.processes import run_apart
from adws.tests.project import Project

# Without bd on the PATH the doctor asks nobody; with the time of the rows it finds none from the future.
QUIET = {"PATH": "/nothing", "ADW_NOW": "2001-11-23T12:00:00Z"}


@pytest.fixture
def checked(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Checked:
    return Checked(tmp_path / "project", clock, beads_template)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path, beads_template: Path) -> Project:
    made = Project(tmp_path / "project", tracker=False)
    made.database.parent.mkdir(mode=0o700)
    shutil.copyfile(beads_template, made.database)
    made.database.chmod(0o600)
    return made


def test_permissions_are_closed(checked: Checked) -> None:
    checked.file.chmod(0o666)
    checked.file.parent.chmod(0o755)

    repairs = checked.repair()

    assert repairs.done == (
        f"Changed {checked.file} from mode 0666 to 0600.",
        f"Changed {checked.file.parent} from mode 0755 to 0700.",
    )
    assert repairs.backup is None
    assert checked.file.stat().st_mode & 0o777 == 0o600
    assert checked.complaints() == {}


def test_rows_are_reconciled_after_a_backup(checked: Checked) -> None:
    with checked.open() as state:
        run = run_on(state, "demo-1")
    before = everything(checked.file)
    replays.rename(checked.file, "demo-1", "demo-9")

    repairs = checked.repair()

    assert repairs.done == (
        "Reconciled (renamed): the tracker renamed demo-1 to demo-9;"
        " 1 execution moved along, 0 of them archived.",
    )
    assert repairs.backup is not None
    assert live(repairs.backup.path) == {run.id: "demo-1"}
    assert live(checked.file) == {run.id: "demo-9"}
    assert everything(checked.file) == before
    assert checked.complaints() == {}


def test_rows_that_point_nowhere_go_to_the_archive(checked: Checked) -> None:
    with checked.open() as state:
        run = run_on(state, "demo-1")
    replays.delete(checked.file, "demo-1", foreign_keys=False)
    assert checked.complaints() == {"references": "warning", "reconciliation": "warning"}

    checked.repair()

    assert complaints(checked.file) == []
    assert archived(checked.file) == {run.id: ("demo-1", "orphaned")}
    assert checked.complaints() == {}


def test_what_dead_processes_left_is_removed_and_what_living_ones_use_stays(
    checked: Checked, scratch: Path
) -> None:
    dead, mine = run_apart(os.getpid), os.getpid()
    backups = checked.folder / ".adw" / "backups"
    run = checked.folder / ".adw" / "agents" / "adw-1" / "plan"
    backups.mkdir(parents=True, mode=0o700)
    run.mkdir(parents=True)
    doomed: list[Path] = []
    kept: list[Path] = []
    for pid, files in ((dead, doomed), (mine, kept)):
        files += [
            backups / f".beads.db.{pid}.part",
            run / f".checkpoints.json.{pid}.0123abcd",
            run.parent / f".adw_state.json.{pid}.0123abcd",
            scratch / f"{SCRATCH_PREFIX}{pid}-x",
        ]
        for path in files[:-1]:
            path.write_text("half")
        files[-1].mkdir()
        (files[-1] / "beads.db").write_text("copy")
    (run / "checkpoints.json").write_text("{}")
    assert checked.the("leftovers").what.startswith("4 unfinished files of processes that are dead, first ")

    assert checked.repair().done == ("Removed 4 unfinished files of dead processes.",)

    assert [path.exists() for path in doomed] == [False] * 4
    assert [path.exists() for path in kept] == [True] * 4
    assert (run / "checkpoints.json").exists()


def test_with_nothing_to_fix_nothing_is_copied_or_changed(checked: Checked) -> None:
    before = checked.file.read_bytes()

    repairs = checked.repair()

    assert (repairs.done, repairs.backup) == ((), None)
    assert checked.file.read_bytes() == before


def test_fixing_twice_finds_nothing_the_second_time(checked: Checked) -> None:
    checked.change("DROP VIEW recent_failures", "DROP TRIGGER adw_executions_archive_before_delete")
    checked.file.chmod(0o640)

    assert len(checked.repair().done) == 3
    assert checked.repair().done == ()


def test_the_page_is_readable_in_80_columns(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", environ=QUIET)

    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"Doctor of {project.database}"
    assert lines[1] == "  ok       tracker, logs, integrity, migrations, references, schema, disk,"
    assert "           What to do: chmod 0600" in ran.out
    assert re.fullmatch(r"0 errors, 1 warning, 1 note; \d+ checks found nothing wrong\.", lines[-1])
    assert [line for line in lines[1:] if len(line) > 80 and "/" not in line] == []  # a path stays whole


def test_fix_says_what_it_did_and_the_exit_code_is_that_of_what_is_left(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", "--fix", environ=QUIET)

    assert ran.code == 0
    assert "  repaired Changed" in ran.out
    last = ran.out.splitlines()[-1]
    assert re.fullmatch(r"0 errors, 0 warnings, 1 note; \d+ checks found nothing wrong\.", last)
    assert "Nothing that is safe to repair was found." in project.adw("doctor", "--fix", environ=QUIET).out


def test_what_to_do_names_the_database_that_the_user_named(project: Project) -> None:
    other = project.folder / "other.db"
    shutil.copyfile(project.database, other)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("DROP VIEW recent_failures")

    ran = project.adw("doctor", "--db", str(other), "--json", environ=QUIET)

    (finding,) = (one for one in ran.json["findings"] if one["severity"] == "error")
    assert (finding["check"], finding["fix"]) == ("schema", f"adw doctor --fix --db {other}")
    mode = project.folder.stat().st_mode
    assert project.adw(*finding["fix"].split()[1:], environ=QUIET).code == 0
    assert project.adw("health", "--db", str(other), environ=QUIET).code == 0
    assert project.folder.stat().st_mode == mode  # that folder is not there for the database


def test_json_holds_every_finding(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", "--json", environ=QUIET)

    assert ran.code == 1
    answer = ran.json
    assert (answer["schema"], answer["exit_code"], answer["repaired"]) == ("adw.doctor/1", 1, [])
    assert answer["database"] == str(project.database)
    (finding,) = (one for one in answer["findings"] if one["severity"] == "warning")
    assert finding == {
        "check": "permissions",
        "severity": "warning",
        "what": f"Others may change {project.database} (mode 0666).",
        "why": "It holds what agents were told and answered."
        " bd wants 0600 for its file, 0700 for its folder.",
        "fix": f"chmod 0600 {project.database}",
        "advice": None,
        "fixable": True,
        "damaged": False,
    }


def test_a_place_that_could_mean_two_databases_is_a_finding_too(project: Project) -> None:
    shutil.copyfile(project.database, project.database.with_name("other.db"))

    ran = project.adw("doctor", "--fix", "--json", environ=QUIET)

    assert ran.code == 4
    (finding,) = ran.json["findings"]
    assert (finding["check"], finding["severity"]) == ("location", "error")
    assert "could mean 2 databases: beads.db, other.db" in finding["what"]


def test_a_file_whose_schema_cannot_be_read_is_named_and_left(project: Project) -> None:
    with project.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3996)
    before = project.database.read_bytes()

    ran = project.adw("doctor", "--fix", "--json", environ=QUIET)

    assert ran.code == 4
    (finding,) = ran.json["findings"]
    assert (finding["check"], finding["severity"]) == ("location", "error")
    assert "is not a readable SQLite database" in finding["what"]
    assert project.database.read_bytes() == before


def test_an_empty_file_and_a_missing_one_are_named(project: Project) -> None:
    (project.database.parent / "metadata.json").write_text('{"database":"beads.db"}')
    for spoil, words in (
        (lambda: project.database.write_bytes(b""), "is empty"),
        (project.database.unlink, "is not there"),
    ):
        spoil()
        ran = project.adw("doctor", environ=QUIET)
        assert ran.code == 4
        assert words in " ".join(ran.out.split())


def test_a_damaged_page_is_found_and_not_repaired_by_the_doctor(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    with checked.file.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\xff" * 4096)

    (finding,) = (one for one in checked.findings() if one.severity == "error")

    assert (finding.severity, finding.fixable) == ("error", False)
    assert "bd calls such a file corrupt" in finding.why


def test_a_database_that_a_newer_version_made_is_named_and_not_touched(checked: Checked) -> None:
    checked.change(
        "INSERT INTO schema_version VALUES ('999', 'from_the_future', 'x', '2030-01-01T00:00:00.000000Z')",
        "DROP VIEW recent_failures",
    )
    before = checked.file.read_bytes()

    finding = checked.the("migrations")

    assert finding.severity == "error"
    assert "has migration 999 (from_the_future), which this version does not know" in finding.what
    assert finding.advice == "update adw-state; nothing was changed"
    checked.repair()
    assert checked.file.read_bytes() == before


def test_on_a_read_only_medium_everything_is_still_looked_at(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")

    findings = with_read_only(checked.folder, checked.findings)

    (finding,) = (one for one in findings if one.severity in ("warning", "error"))
    assert (finding.check, finding.severity) == ("writable", "error")
    assert finding.what == f"{checked.file} or its folder is read-only for this user."
    assert {"history", "reconciliation", "views-and-triggers"} <= {one.check for one in findings}


def test_ten_thousand_dead_owners_are_one_finding(checked: Checked) -> None:
    from adw_state.store.owner import this_owner

    dead = run_apart(this_owner)
    host, _, rest = dead.partition(":")
    pid, _, mark = rest.partition(":")
    rows = ", ".join(
        f"('adw-{number:05}', 'demo-1', 'adw_sdlc', 'local', '[\"plan\"]', 'plan', 'in_progress',"
        f" '2001-11-23T12:00:00.000000Z', '2001-11-23T12:00:00.000000Z', '{host}:{pid}:{mark}{number}')"
        for number in range(10_000)
    )
    checked.change(
        "INSERT INTO adw_executions (id, issue_id, workflow, environment, phases, phase, status, started_at,"
        f" updated_at, owner) VALUES {rows}"
    )

    findings = checked.findings()

    (finding,) = (one for one in findings if one.check == "owners")
    assert finding.what == "10,000 unfinished runs belong to processes that are dead, first adw-00000."
    assert exit_code(findings) == 0
