"""What the doctor finds, why it says that matters, and that a healthy project stays without complaint."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor.examination import ALL
from adw_state.engine.sqlite.backup import back_up
from adw_state.run_root import agents_folder
from adw_state.schema import migrations
from adw_state.schema.check import Finding, Severity, exit_code
from adw_state.store.owner import this_owner
from adw_state.store.sql import newest_version
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.checked import Checked
from adws.tests.beside_beads.history import run_on
from adws.tests.conftest import ISSUES
from adws.tests.processes import run_apart


@pytest.fixture
def checked(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Checked:
    return Checked(tmp_path / "project", clock, beads_template)


@pytest.fixture
def alone(tmp_path: Path, clock: SettableClock) -> Checked:
    """A project without a tracker, whose runs are in a sidecar."""
    project = Checked(tmp_path / "alone", clock)
    location = project.project.location
    migrations.create_store(location.database, backup_folder=location.state_dir / "b", clock=clock)
    return project


def test_a_healthy_project_gets_no_complaint(checked: Checked) -> None:
    with checked.open() as state:
        for issue in ISSUES:
            run_on(state, issue.id)

    findings = checked.findings()

    assert checked.complaints() == {}
    assert exit_code(findings) == 0
    satisfied = {finding.check for finding in findings if finding.severity == "ok"}
    nothing_to_say = {"tables", "bd-version", "bd-database"}  # our tables are there, and bd is not
    assert satisfied == {check.id for check in ALL} - nothing_to_say


def test_every_check_has_an_id_of_its_own_and_says_what_a_bad_finding_means() -> None:
    ids = [check.id for check in ALL]

    assert sorted(set(ids)) == sorted(ids)
    assert [check.id for check in ALL if not check.why.endswith(".")] == []
    assert [check.id for check in ALL if check.fix_changes_database and check.fix is None] == []


def test_every_finding_that_is_not_good_says_why_it_matters(checked: Checked) -> None:
    checked.change("DROP VIEW recent_failures", "CREATE VIEW board AS SELECT * FROM issues")
    checked.file.chmod(0o666)

    bad = [finding for finding in checked.findings() if finding.severity in ("warning", "error")]

    assert {finding.check for finding in bad} == {"schema", "views-and-triggers", "permissions"}
    assert all(finding.what and finding.why and finding.fix for finding in bad)


def test_looking_changes_nothing(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    replays.rename(checked.file, "demo-1", "demo-9")
    before = checked.file.read_bytes()

    checked.findings()

    assert checked.file.read_bytes() == before
    assert not (checked.folder / ".adw").exists()


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), 0),
        (("ok", "note"), 0),
        (("note", "warning", "ok"), 1),
        (("warning", "error", "note"), 4),
    ],
)
def test_the_exit_code_is_that_of_the_worst(severities: tuple[Severity, ...], code: int) -> None:
    assert exit_code([Finding(severity, "y") for severity in severities]) == code


def test_a_project_that_was_never_prepared_is_told_how_to(tmp_path: Path, clock: SettableClock) -> None:
    fresh = Checked(tmp_path / "fresh", clock)

    finding = fresh.the("tables")

    sidecar = fresh.folder / ".adw" / "state.sqlite3"
    assert (finding.severity, finding.fix) == ("note", "adw init")
    assert finding.what == f"There is no state for this project yet; it will be {sidecar}."
    assert exit_code(fresh.findings()) == 0


def test_a_tracker_s_file_without_our_tables_is_no_fault(checked: Checked, tracker_template: Path) -> None:
    shutil.copyfile(tracker_template, checked.file)

    assert (checked.the("tables").severity, checked.the("tables").fix) == ("note", "adw init")
    assert checked.complaints() == {}


def test_our_tables_gone_and_history_elsewhere_is_an_error(checked: Checked, tracker_template: Path) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    quarantine = checked.file.rename(checked.file.with_name("beads.db.corrupt"))
    shutil.copyfile(tracker_template, checked.file)

    assert checked.the("history") == Finding(
        "error",
        f"1 execution in {quarantine} (put away by bd as damaged) are not, or not as far, in {checked.file}.",
        "The file was rebuilt or replaced, and our tables went with the old one.",
        fix="adw restore",
        check="history",
    )


def test_a_run_that_only_a_backup_has_is_a_warning(checked: Checked) -> None:
    with checked.open() as state:
        run = run_on(state, "demo-1")
        back_up(checked.file, checked.folder / ".adw" / "backups", "daily", checked.clock.now())
    checked.change(
        f"DELETE FROM adw_executions WHERE id = '{run.id}'",
        "DELETE FROM adw_executions_archive",
    )

    finding = checked.the("history")

    assert (finding.severity, finding.fix) == ("warning", "adw restore")
    assert finding.what.startswith("1 execution in ")


def test_a_file_that_was_set_back_to_an_older_state_is_noticed(checked: Checked) -> None:
    with checked.open() as state:
        run = run_on(state, "demo-1")
        early = back_up(checked.file, checked.folder / "elsewhere", "daily", checked.clock.now()).path
        checked.clock.advance(seconds=1)
        state.update_execution_status(run.id, "completed")
        back_up(checked.file, checked.folder / ".adw" / "backups", "daily", checked.clock.now())
    shutil.copyfile(early, checked.file)

    assert (checked.the("history").severity, checked.the("history").fix) == ("warning", "adw restore")


def test_a_backup_of_what_is_here_is_no_fault(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
        back_up(checked.file, checked.folder / ".adw" / "backups", "daily", checked.clock.now())

    (finding,) = checked.found("history")
    assert finding.what == "1 other place with history, none with more than here."


def test_a_project_that_moved_to_dolt_is_told_to_take_its_history_along(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    (checked.file.parent / "metadata.json").write_text('{"backend":"dolt"}')

    finding = checked.the("history")

    sidecar = checked.folder / ".adw" / "state.sqlite3"
    assert finding == Finding(
        "warning",
        f"1 execution in {checked.file} (a former file of the tracker) are not in {sidecar},"
        " where they belong now.",
        "The project's tracker is bd (Dolt) now. Reports and `adw resume` do not know these runs.",
        fix="adw migrate move",
        check="history",
    )


def test_a_file_that_br_marked_is_left_and_the_history_is_to_come_along(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    (checked.file.parent / ".br_recovery").mkdir()

    assert checked.the("history").fix == "adw migrate move"
    tracker = checked.the("tracker")
    assert (tracker.severity, tracker.what) == (
        "note",
        "A mark of br was found: .br_recovery is a file of br's.",
    )


def test_a_database_that_is_not_migrated_so_far_is_not_taken_for_a_rebuilt_one(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
        back_up(checked.file, checked.folder / ".adw" / "backups", "daily", checked.clock.now())
    migrations.roll_back(
        checked.file, newest_version(), backup_folder=checked.folder / "b", clock=checked.clock
    )

    assert checked.complaints() == {"migrations": "warning"}
    assert checked.the("migrations").fix == "adw migrate up"


def test_json_states_that_the_database_does_not_know_are_noticed(alone: Checked) -> None:
    from adw_state.record.json_runs import JsonRuns

    with alone.open() as state:
        run = run_on(state, "demo-1")
    JsonRuns(alone.folder, alone.clock).of(run.id).note_missing(run, [], [])
    assert alone.complaints() == {}
    alone.change(
        "DELETE FROM adw_executions",
        "DELETE FROM adw_executions_archive",
        path=alone.project.location.database,
    )

    finding = alone.the("history")

    assert (finding.severity, finding.fix) == ("warning", "adw restore")
    assert f"{agents_folder(alone.folder)} (JSON states)" in finding.what


def test_a_reconciliation_that_is_due_and_those_that_were_are_told_apart(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    replays.rename(checked.file, "demo-1", "demo-9")
    due = checked.the("reconciliation")
    assert (due.severity, due.fix, due.fixable) == ("warning", "adw doctor --fix", True)

    checked.open().close()

    past = checked.the("reconciliation")
    assert past.severity == "note"
    assert past.what == (
        "Reconciled lately: 2001-11-23 12:00 renamed, the tracker renamed demo-1 to demo-9;"
        " 1 execution moved along, 0 of them archived."
    )


def test_rows_from_the_future_are_named(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    checked.clock.advance(hours=-2)

    finding = checked.the("times")

    assert finding.severity == "warning"
    assert finding.what == (
        "1 execution changed after the present moment, 2001-11-23 10:00 UTC:"
        " as late as 2001-11-23T12:00:00.000000Z."
    )


def test_a_few_minutes_between_two_clocks_are_no_fault(checked: Checked) -> None:
    with checked.open() as state:
        run_on(state, "demo-1")
    checked.clock.advance(seconds=-240)

    assert checked.complaints() == {}


def test_spoiled_archives_are_counted(checked: Checked) -> None:
    checked.change(
        "INSERT INTO adw_executions_archive (id) VALUES ('adw-x')",
        "INSERT INTO adw_executions_archive (id) VALUES (NULL)",
        "INSERT INTO adw_checkpoints_archive (op_id) VALUES ('y')",
    )

    finding = checked.the("archives")

    assert finding.what.startswith("1 row of adw_checkpoints_archive and 2 rows of adw_executions_archive ")


def test_runs_of_dead_processes_are_named_with_the_command_that_goes_on(checked: Checked) -> None:
    dead = run_apart(this_owner)
    with checked.open() as state:
        for number in range(50):
            state.create_execution("demo-1", adw_id=f"adw-{number:02}", owner=dead, claim=number == 0)
        state.create_execution("demo-2", owner=this_owner())

    finding = checked.the("owners")

    assert (finding.severity, finding.fix) == ("note", "adw resume adw-00")
    assert finding.what == "50 unfinished runs belong to processes that are dead, first adw-00."
    assert finding.why.startswith("1 issue stay held")


def test_files_that_others_may_change_are_a_warning_and_ones_they_may_read_a_note(checked: Checked) -> None:
    checked.file.chmod(0o644)
    mild = checked.the("permissions")
    assert (mild.severity, mild.fix) == ("note", f"chmod 0600 {checked.file}")

    checked.file.chmod(0o666)
    assert checked.the("permissions").severity == "warning"
    assert checked.the("permissions").what == f"Others may change {checked.file} (mode 0666)."


def test_our_own_file_and_folder_are_for_their_owner_alone(alone: Checked) -> None:
    database = alone.project.location.database
    assert alone.complaints() == {}
    database.chmod(0o640)
    database.parent.chmod(0o755)

    assert [(one.severity, one.fix) for one in alone.found("permissions")] == [
        ("warning", f"chmod 0600 {database}"),
        ("warning", f"chmod 0700 {database.parent}"),
    ]


def test_a_log_without_its_database_is_named_before_sqlite_deletes_it(checked: Checked) -> None:
    log = checked.file.with_name("beads.db.corrupt-wal")
    log.write_bytes(b"x" * 100)

    finding = checked.the("logs")

    assert (finding.severity, finding.fix) == ("warning", f"mv {log} {log}.kept")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_log_that_belongs_to_somebody_else_is_named(checked: Checked) -> None:
    log = Path(f"{checked.file}-wal")
    log.touch()
    os.chown(log, 4242, 4242)

    finding = checked.the("logs")

    assert finding.what == f"{log} belongs to user 4242, the database to user 0."
    assert finding.fix == f"sudo chown 0 {log}"


def test_the_lock_that_stops_bd_s_daemon_is_named_when_its_holder_is_dead(checked: Checked) -> None:
    lock = checked.file.parent / ".exclusive-lock"
    dead = run_apart(os.getpid)
    for pid, stale in ((dead, True), (os.getpid(), False)):
        lock.write_text(json.dumps({"holder": "x", "pid": pid, "hostname": os.uname().nodename}))
        severities = {finding.severity for finding in checked.found("leftovers")}
        assert severities == ({"note"} if stale else {"ok"})


@pytest.mark.parametrize("content", ["", "[1]", '{"pid": "x"}', "{"])
def test_a_lock_that_says_nothing_is_passed_over(checked: Checked, content: str) -> None:
    (checked.file.parent / ".exclusive-lock").write_text(content)
    assert checked.complaints() == {}
