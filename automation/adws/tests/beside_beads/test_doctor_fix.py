"""`adw doctor` as a user types it: what it prints, what `--fix` mends, and what it leaves."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor.findings import exit_code
from adw_state.store.private_copy import SCRATCH_PREFIX
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import archived, complaints, everything, live, run_on
from adws.tests.beside_beads.mounts import with_read_only
from adws.tests.beside_beads.patients import Sick
from adws.tests.processes import run_apart
from adws.tests.project import Project

# Without bd on the PATH the doctor asks nobody; with the time of the rows it finds none from the future.
QUIET = {"PATH": "/nothing", "ADW_NOW": "2001-11-23T12:00:00Z"}


@pytest.fixture
def sick(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Sick:
    return Sick(tmp_path / "project", clock, beads_template)


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


def test_permissions_are_closed(sick: Sick) -> None:
    sick.file.chmod(0o666)
    sick.file.parent.chmod(0o755)

    mended = sick.mend()

    assert mended.done == (
        f"Changed {sick.file} from mode 0666 to 0600.",
        f"Changed {sick.file.parent} from mode 0755 to 0700.",
    )
    assert mended.backup is None
    assert sick.file.stat().st_mode & 0o777 == 0o600
    assert sick.complaints() == {}


def test_rows_are_healed_after_a_backup(sick: Sick) -> None:
    with sick.open() as state:
        run = run_on(state, "demo-1")
    before = everything(sick.file)
    replays.rename(sick.file, "demo-1", "demo-9")

    mended = sick.mend()

    assert mended.done == (
        "Healed (renamed): the tracker renamed demo-1 to demo-9;"
        " 1 execution moved along, 0 of them archived.",
    )
    assert mended.backup is not None
    assert live(mended.backup.path) == {run.id: "demo-1"}
    assert live(sick.file) == {run.id: "demo-9"}
    assert everything(sick.file) == before
    assert sick.complaints() == {}


def test_rows_that_point_nowhere_go_to_the_archive(sick: Sick) -> None:
    with sick.open() as state:
        run = run_on(state, "demo-1")
    replays.delete(sick.file, "demo-1", foreign_keys=False)
    assert sick.complaints() == {"references": "warning", "healing": "warning"}

    sick.mend()

    assert complaints(sick.file) == []
    assert archived(sick.file) == {run.id: ("demo-1", "orphaned")}
    assert sick.complaints() == {}


def test_what_dead_processes_left_is_removed_and_what_living_ones_use_stays(
    sick: Sick, scratch: Path
) -> None:
    dead, mine = run_apart(os.getpid), os.getpid()
    backups = sick.folder / ".adw" / "backups"
    run = sick.folder / ".adw" / "agents" / "adw-1" / "plan"
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
    assert sick.the("leftovers").what.startswith("4 unfinished files of processes that are dead, first ")

    assert sick.mend().done == ("Removed 4 unfinished files of dead processes.",)

    assert [path.exists() for path in doomed] == [False] * 4
    assert [path.exists() for path in kept] == [True] * 4
    assert (run / "checkpoints.json").exists()


def test_with_nothing_to_fix_nothing_is_copied_or_changed(sick: Sick) -> None:
    before = sick.file.read_bytes()

    mended = sick.mend()

    assert (mended.done, mended.backup) == ((), None)
    assert sick.file.read_bytes() == before


def test_fixing_twice_finds_nothing_the_second_time(sick: Sick) -> None:
    sick.change("DROP VIEW recent_failures", "DROP TRIGGER adw_executions_archive_before_delete")
    sick.file.chmod(0o640)

    assert len(sick.mend().done) == 3
    assert sick.mend().done == ()


def test_the_page_is_readable_in_80_columns(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", environ=QUIET)

    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"Doctor of {project.database}"
    assert lines[1] == "  well     tracker, logs, integrity, migrations, schema, references, writable,"
    assert "           To do: chmod 0600" in ran.out
    assert lines[-1] == "0 errors, 1 warning, 1 note; 16 checks found nothing to mend."
    assert [line for line in lines[1:] if len(line) > 80 and "/" not in line] == []  # a path stays whole


def test_fix_says_what_it_did_and_the_exit_code_is_that_of_what_is_left(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", "--fix", environ=QUIET)

    assert ran.code == 0
    assert "  fixed    Changed" in ran.out
    assert ran.out.splitlines()[-1] == "0 errors, 0 warnings, 1 note; 17 checks found nothing to mend."
    assert "Nothing that is safe to fix was found." in project.adw("doctor", "--fix", environ=QUIET).out


def test_json_holds_every_finding(project: Project) -> None:
    project.database.chmod(0o666)

    ran = project.adw("doctor", "--json", environ=QUIET)

    assert ran.code == 1
    answer = ran.json
    assert (answer["schema"], answer["exit_code"], answer["fixed"]) == ("adw.doctor/1", 1, [])
    assert answer["database"] == str(project.database)
    (finding,) = (one for one in answer["findings"] if one["severity"] == "warning")
    assert finding == {
        "name": "permissions",
        "severity": "warning",
        "what": f"Others may change {project.database} (mode 0666).",
        "why": "It holds what agents were told and answered."
        " bd wants 0600 for its file, 0700 for its folder.",
        "fix": f"chmod 0600 {project.database}",
        "fixable": True,
    }


def test_a_place_that_could_mean_two_databases_is_a_finding_too(project: Project) -> None:
    shutil.copyfile(project.database, project.database.with_name("other.db"))

    ran = project.adw("doctor", "--fix", "--json", environ=QUIET)

    assert ran.code == 4
    (finding,) = ran.json["findings"]
    assert (finding["name"], finding["severity"]) == ("place", "error")
    assert "could mean 2 databases: beads.db, other.db" in finding["what"]


def test_a_file_whose_schema_cannot_be_read_is_named_and_left(project: Project) -> None:
    with project.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3996)
    before = project.database.read_bytes()

    ran = project.adw("doctor", "--fix", "--json", environ=QUIET)

    assert ran.code == 4
    (finding,) = ran.json["findings"]
    assert (finding["name"], finding["severity"]) == ("place", "error")
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


def test_a_damaged_page_is_found_and_not_mended_by_the_doctor(sick: Sick) -> None:
    with sick.open() as state:
        run_on(state, "demo-1")
    with sick.file.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\xff" * 4096)

    (finding,) = (one for one in sick.findings() if one.name in ("integrity", "file"))

    assert (finding.severity, finding.fixable) == ("error", False)
    assert "bd calls such a file corrupt" in finding.why


def test_a_database_that_a_newer_version_made_is_named_and_not_touched(sick: Sick) -> None:
    sick.change(
        "INSERT INTO schema_version VALUES ('999', 'from_the_future', 'x', '2030-01-01T00:00:00.000000Z')",
        "DROP VIEW recent_failures",
    )
    before = sick.file.read_bytes()

    finding = sick.the("file")

    assert finding.severity == "error"
    assert "has migration 999 (from_the_future), which this version does not know" in finding.what
    assert "update adw-state" in finding.why
    sick.mend()
    assert sick.file.read_bytes() == before


def test_on_a_read_only_medium_everything_is_still_looked_at(sick: Sick) -> None:
    with sick.open() as state:
        run_on(state, "demo-1")

    findings = with_read_only(sick.folder, sick.findings)

    (finding,) = (one for one in findings if one.severity in ("warning", "error"))
    assert (finding.name, finding.severity) == ("writable", "error")
    assert finding.what == f"{sick.file} or its folder is read-only for this user."
    assert {"history", "healing", "views and triggers"} <= {one.name for one in findings}


def test_ten_thousand_dead_owners_are_one_finding(sick: Sick) -> None:
    from adw_state.store.owner import this_owner

    dead = run_apart(this_owner)
    host, _, rest = dead.partition(":")
    pid, _, mark = rest.partition(":")
    rows = ", ".join(
        f"('adw-{number:05}', 'demo-1', 'adw_sdlc', 'local', 'plan', 'in_progress',"
        f" '2001-11-23T12:00:00.000000Z', '2001-11-23T12:00:00.000000Z', '{host}:{pid}:{mark}{number}')"
        for number in range(10_000)
    )
    sick.change(
        "INSERT INTO adw_executions (id, issue_id, workflow, environment, phase, status, started_at,"
        f" updated_at, owner) VALUES {rows}"
    )

    findings = sick.findings()

    (finding,) = (one for one in findings if one.name == "owners")
    assert finding.what == "10,000 unfinished runs belong to processes that are dead, first adw-00000."
    assert exit_code(findings) == 0
