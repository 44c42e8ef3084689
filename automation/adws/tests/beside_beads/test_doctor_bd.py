"""The doctor asks bd where it is and which version, and never lets the question change anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor import asking_bd
from adw_state.doctor.findings import Finding
from adw_state.doctor.patient import Patient
from adw_state.doctor.place import check_bd
from adw_state.store import migrations
from adw_state.trackers.locate import Tracker, locate
from adws.tests.beside_beads.patients import Sick
from adws.tests.beside_beads.replays import BORN
from adws.tests.beside_beads.trackers import RealBd, git_repository


@pytest.fixture
def sick(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Sick:
    """A project with a stand-in for bd on its PATH."""
    project = Sick(tmp_path / "project", clock, beads_template)
    (tmp_path / "bin").mkdir()
    project.environ = {**project.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    return project


def install_bd(sick: Sick, *, version: str, answer: str = "", code: int = 0) -> Path:
    """A `bd` that says its version and gives one answer to all else; its calls are noted."""
    program = sick.folder.parent / "bin" / "bd"
    calls = sick.folder.parent / "calls"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$BEADS_NO_DAEMON $PWD $*" >> "{calls}"\n'
        f"if [ \"$1\" = version ]; then echo 'bd version {version} (dev)'; exit 0; fi\n"
        f"echo '{answer}'\nexit {code}\n"
    )
    program.chmod(0o755)
    return calls


def bd_findings(patient: Patient) -> dict[str, Finding]:
    return {finding.name: finding for finding in check_bd(patient)}


def used_by(sick: Sick, version: str) -> None:
    (sick.file.parent / ".local_version").write_text(f"{version}\n")


def test_without_bd_there_is_nothing_to_compare(sick: Sick) -> None:
    assert bd_findings(sick.patient)["bd's version"] == Finding(
        "bd's version", "note", "There is no bd on the PATH. What bd would do here was not asked."
    )


def test_a_bd_that_uses_the_same_file_is_well(sick: Sick) -> None:
    calls = install_bd(sick, version="0.49.6", answer=f'{{"database_path": "{sick.file}"}}')
    used_by(sick, "0.49.6")

    found = bd_findings(sick.patient)

    assert [finding.severity for finding in found.values()] == ["ok", "ok"]
    assert found["bd's place"].what == f"bd uses {sick.file}, and so do we"
    version, question = calls.read_text().splitlines()
    assert version.endswith(" version")
    assert f" {sick.folder} " not in version
    assert question == f"1 {sick.folder} --no-daemon where --json"


def test_a_bd_that_uses_another_file_is_an_error_with_both_named(sick: Sick) -> None:
    install_bd(sick, version="0.30.6", answer='{"database_path": "/elsewhere/beads.db"}')
    used_by(sick, "0.30.6")

    assert bd_findings(sick.patient)["bd's place"] == Finding(
        "bd's place",
        "error",
        f"bd uses /elsewhere/beads.db, but we use {sick.file}.",
        "Runs are recorded beside issues that bd does not see, and the other way round.",
        "adw where --db /elsewhere/beads.db",
    )


def test_an_older_bd_is_asked_by_the_command_that_it_has(sick: Sick) -> None:
    calls = install_bd(sick, version="0.29.0", answer=f'noise {{"database_path": "{sick.file}"}}')
    used_by(sick, "0.29.0")

    assert bd_findings(sick.patient)["bd's place"].severity == "ok"
    assert calls.read_text().splitlines()[-1].endswith("--no-daemon info --json")


def test_a_bd_that_has_not_used_the_file_is_not_asked_because_it_would_upgrade_it(sick: Sick) -> None:
    calls = install_bd(sick, version="0.49.6")

    place = bd_findings(sick.patient)["bd's place"]

    assert (place.severity, place.fix) == ("note", "bd info --json")
    assert "bd 0.49.6 has not used this one yet" in place.what
    assert len(calls.read_text().splitlines()) == 1


def test_the_stamp_in_the_database_counts_as_well(sick: Sick) -> None:
    install_bd(sick, version="0.17.7", answer=f'{{"database_path": "{sick.file}"}}')
    sick.change("INSERT OR REPLACE INTO metadata VALUES ('bd_version', '0.17.7')")

    assert bd_findings(sick.patient)["bd's place"].severity == "ok"


@pytest.mark.parametrize(("answer", "code"), [("", 0), ("{}", 0), ("no words", 0), ("[1]", 0), ("x", 1)])
def test_a_bd_that_does_not_say_is_a_warning(sick: Sick, answer: str, code: int) -> None:
    install_bd(sick, version="0.49.6", answer=answer, code=code)
    used_by(sick, "0.49.6")

    place = bd_findings(sick.patient)["bd's place"]

    assert (place.severity, place.fix) == ("warning", "bd doctor")


@pytest.mark.parametrize(
    "answer",
    [
        "Warning: a newer version is available [run bd upgrade] {{see it}}\n{answer}",
        "{answer}\nWarning: 3 issues {{stale}}",
        '{{"level":"warning"}} {answer}',
    ],
)
def test_the_place_is_read_whatever_else_bd_prints(answer: str, sick: Sick) -> None:
    install_bd(sick, version="0.49.6", answer=answer.format(answer=f'{{"database_path": "{sick.file}"}}'))
    used_by(sick, "0.49.6")

    assert bd_findings(sick.patient)["bd's place"].severity == "ok"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Warning: version 1.2.3 is available [bd upgrade]\nbd version 0.49.6 (dev)", "bd 0.49.6 at"),
        ("bd version 0.49.6 (dev)\nWarning: version 1.2.3 is available", "bd 0.49.6 at"),
        ("Block Dump 7.8.9", "does not tell its version."),
        ("<html>10.0.0</html>", "does not tell its version."),
    ],
)
def test_the_version_is_that_of_bd_and_of_no_other_program(said: str, version: str, sick: Sick) -> None:
    program = sick.folder.parent / "bin" / "bd"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    program.chmod(0o755)

    assert version in bd_findings(sick.patient)["bd's version"].what


def test_a_bd_that_hangs_is_given_up(sick: Sick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_bd, "_TIMEOUT_SECONDS", 0.2)
    program = sick.folder.parent / "bin" / "bd"
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    program.chmod(0o755)

    assert bd_findings(sick.patient)["bd's version"].what.startswith(f"{program} does not tell its version.")


def test_a_bd_on_dolt_does_not_use_the_sqlite_file(sick: Sick) -> None:
    calls = install_bd(sick, version="1.0.5")

    version = bd_findings(sick.patient)["bd's version"]

    assert (version.severity, version.fix) == ("warning", "bd init --from-jsonl")
    assert version.what == f"bd 1.0.5 does not use the SQLite file {sick.file}."
    assert len(calls.read_text().splitlines()) == 1


def test_a_bd_too_old_for_dolt_is_a_warning(sick: Sick) -> None:
    (sick.file.parent / "metadata.json").write_text('{"backend":"dolt"}')
    install_bd(sick, version="0.49.6")

    assert bd_findings(sick.patient)["bd's version"].what == (
        "bd 0.49.6 is too old for this project, whose issues are in Dolt."
    )


def test_issues_in_dolt_without_bd_or_export_cannot_be_read(sick: Sick) -> None:
    (sick.file.parent / "metadata.json").write_text('{"backend":"dolt"}')
    assert bd_findings(sick.patient)["bd's version"].severity == "warning"

    (sick.file.parent / "issues.jsonl").write_text("")
    assert bd_findings(sick.patient)["bd's version"].severity == "note"


def test_a_database_that_was_named_is_not_compared(sick: Sick) -> None:
    install_bd(sick, version="0.49.6")
    found = sick.patient
    named = Patient(found.location, found.clock, found.environ, found.here, named=True)

    assert bd_findings(named)["bd's place"].severity == "note"


@pytest.mark.parametrize("version", ["0.17.7", "0.49.6"])
def test_a_real_bd_agrees_and_is_not_made_to_write(
    real_bd: Callable[[str], RealBd], tmp_path: Path, version: str
) -> None:
    bd = real_bd(version)
    top = git_repository(tmp_path / "real")
    bd.run(top, "init", "--prefix", "tk", "--quiet")
    bd.run(top, "create", "One", "-d", "x")
    database = top / ".beads" / "beads.db"
    clock = SettableClock(BORN)
    migrations.apply(database, beside_issues=True, backup_folder=tmp_path / "b", clock=clock)
    environ = {**bd.environ, "PATH": bd.on_path(tmp_path / "bin")}
    (top / "sub").mkdir()
    before = hashlib.sha256(database.read_bytes()).hexdigest()

    found = bd_findings(Patient(locate(cwd=top / "sub", environ={}), clock, environ, top / "sub"))

    assert {name: finding.severity for name, finding in found.items()} == {
        "bd's version": "ok",
        "bd's place": "ok",
    }
    if version != "0.49.6":  # that one rebuilds a table on every open, whatever it is asked
        assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert not (top / ".beads" / "daemon.pid").exists()


def test_a_newer_real_bd_is_not_asked_to_upgrade_the_file(
    real_bd: Callable[[str], RealBd], tmp_path: Path
) -> None:
    old, new = real_bd("0.17.7"), real_bd("0.49.6")
    top = git_repository(tmp_path / "real")
    old.run(top, "init", "--prefix", "tk", "--quiet")
    environ = {**new.environ, "PATH": new.on_path(tmp_path / "bin")}
    database = top / ".beads" / "beads.db"
    before = hashlib.sha256(database.read_bytes()).hexdigest()

    found = bd_findings(Patient(locate(cwd=top, environ={}), SettableClock(BORN), environ, top))

    assert found["bd's place"].severity == "note"
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before


def test_a_real_bd_on_dolt_agrees(real_bd: Callable[[str], RealBd], tmp_path: Path) -> None:
    bd = real_bd("1.0.5")
    top = git_repository(tmp_path / "real")
    bd.run(top, "init", "--prefix", "tk", "--non-interactive", "--skip-agents", "--skip-hooks")
    environ = {**bd.environ, "PATH": bd.on_path(tmp_path / "bin")}
    location = locate(cwd=top, environ={})

    found = bd_findings(Patient(location, SettableClock(BORN), environ, top))

    assert location.tracker is Tracker.BD_DOLT
    assert found["bd's place"] == Finding("bd's place", "ok", f"bd uses {top / '.beads'}, and so do we")
