"""History comes back from wherever it still is, and nothing newer gives way to it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.sqlite.backup import back_up
from adw_state.engine.transaction import Transaction
from adw_state.recovery import restoring
from adw_state.recovery.places import old_files
from adw_state.recovery.restoring import Restoration, rehearse, restore
from adw_state.recovery.sources import Survey, count_lacking, known_executions, survey
from adw_state.schema import migrations
from adw_state.shared_file import reconcile
from adw_state.state import BeadsStateManager
from adw_state.store import importing
from adw_state.store.database import Database
from adw_state.store.importing import Tally, import_run
from adw_state.store.runs import RowCounts, RunRows
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, Location
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import (
    archived,
    complaints,
    everything,
    live,
    reconciliations,
    rows,
    run_on,
)
from adws.tests.conftest import ISSUES
from adws.tests.migrations import earlier


class Home:
    """A project outside git with a tracker's file that holds our tables."""

    def __init__(self, folder: Path, template: Path, clock: SettableClock) -> None:
        self.folder = folder
        self.database = folder / ".beads" / "beads.db"
        self.clock = clock
        self.database.parent.mkdir(parents=True)
        shutil.copyfile(template, self.database)

    @property
    def location(self) -> Location:
        return locate(cwd=self.folder, environ={})

    def open(self) -> BeadsStateManager:
        return BeadsStateManager(self.location.database, clock=self.clock)

    def run_everywhere(self) -> None:
        """A run on every issue, ten seconds apart."""
        with self.open() as state:
            for issue in ISSUES:
                run_on(state, issue.id)
                self.clock.advance(seconds=10)

    def put_away(self, name: str = "beads.db.corrupt") -> Path:
        """Move the file aside under this name, as bd does before it builds a new one."""
        return self.database.rename(self.database.parent / name)

    def rebuild(self, issues: tuple[Issue, ...] = ISSUES) -> None:
        """The tracker's file anew from its export: issues and nothing of ours."""
        create_beads_database(self.database, "demo", issues, SettableClock(replays.BORN).now())

    def find(self) -> Survey:
        return survey(old_files(self.location), self.folder, self.clock)

    def restore(self) -> Restoration:
        return restore(self.location, self.find().sources, self.clock, kind="recovered")


@pytest.fixture
def home(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Home:
    return Home(tmp_path / "project", beads_template, clock)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file in a folder that holds something, by its content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size)
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "beads.db-shm"  # SQLite's note on who reads
    }


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_long_history_comes_in_short_transactions_and_goes_on_after_an_end_in_between(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_at_the_fifth(tx: Transaction, run: RunRows, *, in_place: bool) -> Tally:
        if len(taken) == 4:
            raise KeyboardInterrupt
        taken.append(str(run.execution.values["id"]))
        return import_run(tx, run, in_place=in_place)

    home.run_everywhere()
    before = everything(home.database)
    home.put_away()
    home.rebuild()
    monkeypatch.setattr(restoring, "_BATCH", 2)
    taken: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(importing, "import_run", end_at_the_fifth)
        with pytest.raises(KeyboardInterrupt):
            home.restore()
    assert sorted(live(home.database)) == sorted(taken)
    assert reconciliations(home.database) == [("recovered", None, None, 2)] * 2

    done = home.restore()

    assert done.total == Tally(restored=1, attempts=1, checkpoints=2, present=4)
    assert everything(home.database) == before
    assert reconciliations(home.database) == [
        *[("recovered", None, None, 2)] * 2,
        ("recovered", None, None, 1),
    ]


def test_what_was_in_a_file_that_bd_put_away_lives_again_after_the_rebuild(home: Home) -> None:
    home.run_everywhere()
    before, runs = everything(home.database), live(home.database)
    home.put_away()
    home.rebuild()

    done = home.restore()

    assert everything(home.database) == before
    assert live(home.database) == runs
    assert archived(home.database) == {}
    assert complaints(home.database) == []
    assert done.total == Tally(restored=5, attempts=5, checkpoints=10)
    assert reconciliations(home.database) == [("recovered", None, None, 5)]


def test_the_survey_names_each_place_with_its_newest_change_and_its_rows(home: Home) -> None:
    home.run_everywhere()
    newest = home.clock.now() - timedelta(seconds=10)
    quarantine = home.put_away()
    home.rebuild()

    found = home.find()

    (source,) = found.sources
    assert (source.path, source.what) == (quarantine, "put away by bd as damaged")
    assert source.newest == newest
    assert source.rows == RowCounts(executions=5, attempts=5, checkpoints=10)
    assert found.unreadable == ()


def test_doing_it_again_changes_nothing(home: Home) -> None:
    home.run_everywhere()
    home.put_away()
    home.rebuild()
    home.restore()
    before = everything(home.database)

    again = home.restore()

    assert again.total == Tally(present=5)
    assert not again.changed
    assert everything(home.database) == before


def test_a_rehearsal_tells_what_would_come_and_touches_nothing(home: Home) -> None:
    home.run_everywhere()
    home.put_away()
    home.rebuild()
    before = fingerprint(home.folder)

    plan = rehearse(home.location, home.find().sources, home.clock)

    assert plan.total == Tally(restored=5, attempts=5, checkpoints=10)
    assert fingerprint(home.folder) == before
    assert home.restore().total == plan.total


def test_rows_that_are_only_in_the_log_come_back_and_file_and_log_stay_as_they_are(home: Home) -> None:
    home.run_everywhere()
    with closing(sqlite3.connect(home.database)) as holder:
        holder.execute("SELECT count(*) FROM issues").fetchall()  # its end would empty the log
        with home.open() as state:
            late = run_on(state, "demo-1").id
        home.put_away()
        for suffix in ("-wal", "-shm"):
            side = Path(f"{home.database}{suffix}")
            side.rename(side.with_name(f"beads.db.corrupt{suffix}"))
    put_away = {path: sha for path, sha in fingerprint(home.folder).items() if ".corrupt" in path}
    assert any(path.endswith("-wal") for path in put_away)
    home.rebuild()

    home.restore()

    assert late in live(home.database)
    after = {path: sha for path, sha in fingerprint(home.folder).items() if ".corrupt" in path}
    assert after == put_away


def test_a_backup_is_made_before_anything_is_written(home: Home) -> None:
    home.run_everywhere()
    home.put_away()
    home.rebuild()

    backup = home.restore().backup

    assert backup is not None
    assert backup.path.parent == home.location.state_dir / "backups"
    assert rows(backup.path, "SELECT count(*) FROM issues") == [(5,)]
    assert rows(backup.path, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'adw%'") == [(0,)]


def test_a_run_that_went_on_here_is_not_thrown_back(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        back_up(home.database, home.location.state_dir / "backups", "daily", home.clock.now())
        home.clock.advance(seconds=60)
        state.save_checkpoint(run.id, "plan", "later", {})
        state.update_execution_status(run.id, "completed")
    before = everything(home.database)

    done = home.restore()

    assert done.total == Tally(present=1)
    assert everything(home.database) == before


def test_a_run_that_is_further_over_there_is_brought_up_to_date(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        old = back_up(home.database, home.folder / "elsewhere", "daily", home.clock.now()).path
        home.clock.advance(seconds=60)
        attempt = state.start_attempt(run.id, "build")
        state.save_checkpoint(run.id, "build", "files_written", {"files": 3})
        state.finish_attempt(attempt, "failed", error_message="tests do not pass")
        state.update_execution_status(run.id, "failed", error_message="tests do not pass")
    before = everything(home.database)
    home.put_away()
    shutil.copyfile(old, home.database)

    done = home.restore()

    assert done.total == Tally(renewed=1, attempts=1, checkpoints=1)
    assert everything(home.database) == before
    assert done.backup is not None
    assert done.backup.path.name == "beads.db.20011123T120100Z.before-restore.sqlite3"
    assert everything(done.backup.path) == everything(old)


def test_a_run_that_was_taken_over_here_is_newer_whatever_the_clocks_say(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        home.clock.advance(hours=1)
        state.save_checkpoint(run.id, "plan", "late", {})
        state.update_execution_status(run.id, "in_progress", error_message="by a clock that is ahead")
        back_up(home.database, home.location.state_dir / "backups", "daily", home.clock.now())
        home.clock.advance(hours=-2)
        state.take_over(run.id, "another", force=True)
    before = everything(home.database)

    done = home.restore()

    assert done.total == Tally(present=1)
    assert everything(home.database) == before


def test_an_older_copy_adds_no_step_to_a_run_that_went_on_without_it(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        early = back_up(home.database, home.folder / "elsewhere", "daily", home.clock.now()).path
        state.save_checkpoint(run.id, "plan", "forgotten", {})
    home.put_away()
    shutil.copyfile(early, home.database)
    with home.open() as state:
        state.take_over(run.id, "another", force=True)

    assert home.restore().total == Tally(present=1)
    assert rows(home.database, "SELECT max(seq) FROM adw_checkpoints") == [(2,)]


def test_checkpoints_that_went_another_way_here_keep_their_place(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        old = back_up(home.database, home.folder / "elsewhere", "daily", home.clock.now()).path
        state.save_checkpoint(run.id, "plan", "over_there", {})
    home.put_away()
    shutil.copyfile(old, home.database)
    with home.open() as state:
        here = state.save_checkpoint(run.id, "plan", "here", {})

    done = home.restore()

    assert done.total == Tally(present=1, diverged=1)
    with home.open() as state:
        newest = state.load_checkpoint(run.id)
    assert newest == here


def test_rows_whose_issue_is_gone_go_to_the_archive_and_live_when_it_returns(home: Home) -> None:
    home.run_everywhere()
    runs = live(home.database)
    home.put_away()
    home.rebuild(tuple(issue for issue in ISSUES if issue.id != "demo-3"))

    done = home.restore()

    (gone,) = [run for run, issue in runs.items() if issue == "demo-3"]
    assert done.total == Tally(restored=4, archived=1, attempts=5, checkpoints=10)
    assert archived(home.database) == {gone: ("demo-3", "orphaned")}
    assert complaints(home.database) == []
    assert home.restore().total == Tally(present=5)

    replays.create(home.database, "demo-3", "Tidy the build script")
    home.open().close()
    assert live(home.database) == runs


def test_what_retention_archived_stays_archived(home: Home) -> None:
    with home.open() as state:
        old = run_on(state, "demo-1")
        state.update_execution_status(old.id, "completed")
        home.clock.advance(days=100)
        young = run_on(state, "demo-2")
        assert state.archive_old_executions(90) == 1
    before = everything(home.database)
    home.put_away()
    home.rebuild()

    home.restore()

    assert live(home.database) == {young.id: "demo-2"}
    assert archived(home.database) == {old.id: ("demo-1", "retention")}
    assert everything(home.database) == before


def test_a_rename_that_nobody_followed_before_the_rebuild_is_followed(home: Home) -> None:
    home.run_everywhere()
    replays.rename(home.database, "demo-2", "demo-20")
    home.put_away()
    renamed = tuple(
        Issue("demo-20" if issue.id == "demo-2" else issue.id, issue.title, issue.issue_type)
        for issue in ISSUES
    )
    home.rebuild(renamed)

    home.restore()

    assert sorted(live(home.database).values()) == ["demo-1", "demo-20", "demo-3", "demo-4", "demo-5"]
    assert archived(home.database) == {}


def test_a_run_does_not_pass_to_another_issue_that_bears_the_id_now(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
    home.put_away()
    home.rebuild(ISSUES[1:])
    replays.create(home.database, "demo-1", "Something else", born="2026-12-24T00:00:00Z")

    done = home.restore()

    assert done.total == Tally(archived=1, attempts=1, checkpoints=2)
    assert archived(home.database) == {run.id: ("demo-1", "id_reused")}


def test_a_restored_run_does_not_hold_an_issue_that_another_one_holds_by_now(home: Home) -> None:
    with home.open() as state:
        former = run_on(state, "demo-1", claim=True)
    home.put_away()
    home.rebuild()
    migrations.apply(home.database, backup_folder=home.folder / "b", clock=home.clock)
    with home.open() as state:
        present = run_on(state, "demo-1", claim=True)

    home.restore()

    with home.open() as state:
        one, other = state.get_execution(former.id), state.get_execution(present.id)
    assert one is not None
    assert other is not None
    assert (one.claimed, one.status, other.claimed) == (False, "in_progress", True)


def test_another_run_of_the_same_id_is_left_out_and_told(home: Home) -> None:
    with home.open() as state:
        state.create_execution("demo-1", adw_id="beads-demo-1")
    home.put_away()
    home.rebuild()
    migrations.apply(home.database, backup_folder=home.folder / "b", clock=home.clock)
    home.clock.advance(hours=1)
    with home.open() as state:
        here = state.create_execution("demo-1", adw_id="beads-demo-1")

    done = home.restore()

    assert done.total == Tally(conflicts=1)
    with home.open() as state:
        assert state.get_execution("beads-demo-1") == here


def test_the_newest_place_that_has_a_run_is_asked_first(home: Home) -> None:
    with home.open() as state:
        run = run_on(state, "demo-1")
        back_up(home.database, home.location.state_dir / "backups", "daily", home.clock.now())
        home.clock.advance(seconds=60)
        state.update_execution_status(run.id, "completed")
    quarantine = home.put_away()
    home.rebuild()

    done = home.restore()

    assert done.taken[0].source.path == quarantine
    assert [taken.tally for taken in done.taken] == [
        Tally(restored=1, attempts=1, checkpoints=2),
        Tally(present=1),
    ]
    assert rows(home.database, "SELECT status FROM adw_executions") == [("completed",)]


def test_nothing_is_lacking_after_a_restore_and_everything_before(home: Home) -> None:
    home.run_everywhere()
    home.put_away()
    home.rebuild()
    (source,) = home.find().sources

    assert count_lacking({}, source, home.clock) == 5
    home.restore()
    with closing(Database(home.database, clock=home.clock)) as database:
        assert count_lacking(known_executions(database), source, home.clock) == 0


def test_what_was_deleted_by_hand_from_our_own_file_comes_back(
    sidecar_template: Path, tmp_path: Path, clock: SettableClock
) -> None:
    sidecar = tmp_path / ".adw" / "state.sqlite3"
    sidecar.parent.mkdir()
    shutil.copyfile(sidecar_template, sidecar)
    with BeadsStateManager(sidecar, clock=clock) as state:
        kept, lost = run_on(state, "x-1"), run_on(state, "x-2")
    before = everything(sidecar)
    change(sidecar, "PRAGMA foreign_keys = ON", f"DELETE FROM adw_executions WHERE id = '{lost.id}'")
    assert live(sidecar) == {kept.id: "x-1"}

    done = restore(locate(cwd=tmp_path, environ={}), (), clock, kind="recovered")

    assert done.undeleted == Tally(restored=1, attempts=1, checkpoints=2)
    assert live(sidecar) == {kept.id: "x-1", lost.id: "x-2"}
    assert archived(sidecar) == {}
    assert everything(sidecar) == before


def test_a_sidecar_that_is_gone_is_made_anew_and_filled_from_its_backup(
    tmp_path: Path, clock: SettableClock
) -> None:
    location = locate(cwd=tmp_path, environ={})
    migrations.create_store(location.database, backup_folder=location.state_dir / "b", clock=clock)
    with BeadsStateManager(location.database, clock=clock) as state:
        run = run_on(state, "x-1")
    back_up(location.database, location.state_dir / "backups", "daily", clock.now())
    location.database.unlink()

    found = survey(old_files(location), tmp_path, clock)
    restore(location, found.sources, clock, kind="recovered")

    assert live(location.database) == {run.id: "x-1"}
    assert location.database.stat().st_mode & 0o777 == 0o600


def test_runs_of_an_earlier_implementation_come_back_as_its_upgrade_makes_them(
    home: Home, tracker_template: Path
) -> None:
    shutil.copyfile(tracker_template, home.database)
    earlier.make_earlier(home.database, earlier.EXECUTIONS, earlier.CHECKPOINTS)
    home.put_away()
    home.rebuild()

    done = home.restore()

    assert (done.total.restored, done.total.archived, done.total.checkpoints) == (3, 1, 4)
    assert rows(
        home.database, "SELECT checkpoint_name FROM adw_checkpoints_archive WHERE execution_id = 'deadbeef'"
    ) == [("lost",)]
    assert not home.restore().changed
    assert live(home.database) == {"1a2b3c4d": "demo-1", "2a2b3c4d": "demo-2", "3a2b3c4d": "demo-3"}
    assert archived(home.database)["4a2b3c4d"] == ("demo-99", "orphaned")
    assert complaints(home.database) == []


def test_reconciling_finds_nothing_more_to_do_after_a_restore(home: Home) -> None:
    home.run_everywhere()
    home.put_away()
    home.rebuild()
    home.restore()

    with closing(Database(home.database, clock=home.clock)) as database:
        assert reconcile(database, thorough=True) == ()


@pytest.mark.parametrize(
    "name",
    [
        "beads.db.corrupt",
        "beads.20260101-000000.corrupt.db",
        "beads.db.backup",
        "beads.backup-20260101-000000.db",
        "beads.backup-pre-dolt-20260101-000000.db",
        ".br_recovery/beads.db.20260101T000000",
    ],
)
def test_history_is_found_under_every_name_that_trackers_give(home: Home, name: str) -> None:
    home.run_everywhere()
    (home.folder / ".beads" / ".br_recovery").mkdir()
    quarantine = home.put_away(name)
    home.rebuild()

    assert quarantine in [old.path for old in old_files(home.location)]
