"""The doctor asks bd where it is and which version, and never lets the question change anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor import bd as asking_bd
from adw_state.doctor.checks import tracker
from adw_state.doctor.project import Project
from adw_state.schema import migrations
from adw_state.schema.check import Finding, run_checks
from adw_state.trackers.bd import BD_DOLT
from adw_state.trackers.locate import locate
from adws.tests.beside_beads.checked import Checked
from adws.tests.beside_beads.replays import BORN
from adws.tests.beside_beads.trackers import RealBd, git_repository


@pytest.fixture
def checked(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Checked:
    """A project with a stand-in for bd on its PATH."""
    project = Checked(tmp_path / "project", clock, beads_template)
    (tmp_path / "bin").mkdir()
    project.environ = {**project.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    return project


def install_bd(checked: Checked, *, version: str, answer: str = "", code: int = 0) -> Path:
    """A `bd` that says its version and gives one answer to all else; its calls are noted."""
    program = checked.folder.parent / "bin" / "bd"
    calls = checked.folder.parent / "calls"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$BEADS_NO_DAEMON $PWD $*" >> "{calls}"\n'
        f"if [ \"$1\" = version ]; then echo 'bd version {version} (dev)'; exit 0; fi\n"
        f"echo '{answer}'\nexit {code}\n"
    )
    program.chmod(0o755)
    return calls


def bd_findings(project: Project) -> dict[str, Finding]:
    found = run_checks(tracker.CHECKS[1:], project)
    return {finding.check: finding for finding in found}


def used_by(checked: Checked, version: str) -> None:
    (checked.file.parent / ".local_version").write_text(f"{version}\n")


def test_without_bd_there_is_nothing_to_compare(checked: Checked) -> None:
    assert bd_findings(checked.project)["bd-version"] == Finding(
        "note",
        "There is no bd on the PATH.",
        "bd was not asked which database it uses here.",
        check="bd-version",
    )


def test_a_bd_that_uses_the_same_file_is_as_it_should_be(checked: Checked) -> None:
    calls = install_bd(checked, version="0.49.6", answer=f'{{"database_path": "{checked.file}"}}')
    used_by(checked, "0.49.6")

    found = bd_findings(checked.project)

    assert [finding.severity for finding in found.values()] == ["ok", "ok"]
    assert found["bd-database"].what == f"bd uses {checked.file}, and so do we."
    version, question = calls.read_text().splitlines()
    assert version.endswith(" version")
    assert f" {checked.folder} " not in version
    assert question == f"1 {checked.folder} --no-daemon where --json"


def test_a_bd_that_uses_another_file_is_an_error_with_both_named(checked: Checked) -> None:
    install_bd(checked, version="0.30.6", answer='{"database_path": "/elsewhere/beads.db"}')
    used_by(checked, "0.30.6")

    assert bd_findings(checked.project)["bd-database"] == Finding(
        "error",
        f"bd uses /elsewhere/beads.db, but we use {checked.file}.",
        "Runs are recorded beside issues that bd does not see, and the other way round.",
        fix="adw where --db /elsewhere/beads.db",
        check="bd-database",
    )


def test_an_older_bd_is_asked_by_the_command_that_it_has(checked: Checked) -> None:
    calls = install_bd(checked, version="0.29.0", answer=f'noise {{"database_path": "{checked.file}"}}')
    used_by(checked, "0.29.0")

    assert bd_findings(checked.project)["bd-database"].severity == "ok"
    assert calls.read_text().splitlines()[-1].endswith("--no-daemon info --json")


def test_a_bd_that_has_not_used_the_file_is_not_asked_because_it_would_upgrade_it(checked: Checked) -> None:
    calls = install_bd(checked, version="0.49.6")

    place = bd_findings(checked.project)["bd-database"]

    assert (place.severity, place.fix) == ("note", "bd info --json")
    assert "bd 0.49.6 has not used this one yet" in place.what
    assert len(calls.read_text().splitlines()) == 1


def test_the_stamp_in_the_database_counts_as_well(checked: Checked) -> None:
    install_bd(checked, version="0.17.7", answer=f'{{"database_path": "{checked.file}"}}')
    checked.change("INSERT OR REPLACE INTO metadata VALUES ('bd_version', '0.17.7')")

    assert bd_findings(checked.project)["bd-database"].severity == "ok"


@pytest.mark.parametrize(("answer", "code"), [("", 0), ("{}", 0), ("no words", 0), ("[1]", 0), ("x", 1)])
def test_a_bd_that_does_not_say_is_a_warning(checked: Checked, answer: str, code: int) -> None:
    install_bd(checked, version="0.49.6", answer=answer, code=code)
    used_by(checked, "0.49.6")

    place = bd_findings(checked.project)["bd-database"]

    assert (place.severity, place.fix) == ("warning", "bd doctor")


@pytest.mark.parametrize(
    "answer",
    [
        "Warning: a newer version is available [run bd upgrade] {{see it}}\n{answer}",
        "{answer}\nWarning: 3 issues {{stale}}",
        '{{"level":"warning"}} {answer}',
    ],
)
def test_the_place_is_read_whatever_else_bd_prints(answer: str, checked: Checked) -> None:
    install_bd(
        checked, version="0.49.6", answer=answer.format(answer=f'{{"database_path": "{checked.file}"}}')
    )
    used_by(checked, "0.49.6")

    assert bd_findings(checked.project)["bd-database"].severity == "ok"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Warning: version 1.2.3 is available [bd upgrade]\nbd version 0.49.6 (dev)", "bd 0.49.6 at"),
        ("bd version 0.49.6 (dev)\nWarning: version 1.2.3 is available", "bd 0.49.6 at"),
        ("Block Dump 7.8.9", "does not tell its version."),
        ("<html>10.0.0</html>", "does not tell its version."),
    ],
)
def test_the_version_is_that_of_bd_and_of_no_other_program(said: str, version: str, checked: Checked) -> None:
    program = checked.folder.parent / "bin" / "bd"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    program.chmod(0o755)

    assert version in bd_findings(checked.project)["bd-version"].what


def test_a_bd_that_hangs_is_given_up(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_bd, "_TIMEOUT_SECONDS", 0.2)
    program = checked.folder.parent / "bin" / "bd"
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    program.chmod(0o755)

    assert bd_findings(checked.project)["bd-version"].what.startswith(f"{program} does not tell its version.")


def test_a_bd_on_dolt_does_not_use_the_sqlite_file(checked: Checked) -> None:
    calls = install_bd(checked, version="1.0.5")

    version = bd_findings(checked.project)["bd-version"]

    assert (version.severity, version.fix) == ("warning", "bd init --from-jsonl")
    assert version.what == f"bd 1.0.5 does not use the SQLite file {checked.file}."
    assert len(calls.read_text().splitlines()) == 1


def test_a_bd_too_old_for_dolt_is_a_warning(checked: Checked) -> None:
    (checked.file.parent / "metadata.json").write_text('{"backend":"dolt"}')
    install_bd(checked, version="0.49.6")

    assert bd_findings(checked.project)["bd-version"].what == (
        "bd 0.49.6 is too old for this project, whose issues are in Dolt."
    )


def test_issues_in_dolt_without_bd_or_export_cannot_be_read(checked: Checked) -> None:
    (checked.file.parent / "metadata.json").write_text('{"backend":"dolt"}')
    assert bd_findings(checked.project)["bd-version"].severity == "warning"

    (checked.file.parent / "issues.jsonl").write_text("")
    assert bd_findings(checked.project)["bd-version"].severity == "note"


def test_a_database_that_was_named_is_not_compared(checked: Checked) -> None:
    install_bd(checked, version="0.49.6")
    found = checked.project
    named = Project.at(found.location, found.clock, found.environ, found.here, named=True)

    assert bd_findings(named)["bd-database"].severity == "note"


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
    migrations.apply(database, backup_folder=tmp_path / "b", clock=clock)
    environ = {**bd.environ, "PATH": bd.on_path(tmp_path / "bin")}
    (top / "sub").mkdir()
    before = hashlib.sha256(database.read_bytes()).hexdigest()

    found = bd_findings(Project.at(locate(cwd=top / "sub", environ={}), clock, environ, top / "sub"))

    assert {name: finding.severity for name, finding in found.items()} == {
        "bd-version": "ok",
        "bd-database": "ok",
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

    found = bd_findings(Project.at(locate(cwd=top, environ={}), SettableClock(BORN), environ, top))

    assert found["bd-database"].severity == "note"
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before


def test_a_real_bd_on_dolt_agrees(real_bd: Callable[[str], RealBd], tmp_path: Path) -> None:
    bd = real_bd("1.0.5")
    top = git_repository(tmp_path / "real")
    bd.run(top, "init", "--prefix", "tk", "--non-interactive", "--skip-agents", "--skip-hooks")
    environ = {**bd.environ, "PATH": bd.on_path(tmp_path / "bin")}
    location = locate(cwd=top, environ={})

    found = bd_findings(Project.at(location, SettableClock(BORN), environ, top))

    assert location.tracker is BD_DOLT
    assert found["bd-database"] == Finding(
        "ok", f"bd uses {top / '.beads'}, and so do we.", check="bd-database"
    )
