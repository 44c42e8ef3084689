"""The history comes along when a project changes its tracker, and where it came from stays as it is."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.recovery.places import previous_locations
from adw_state.recovery.restoring import restore
from adw_state.recovery.sources import Survey, survey
from adw_state.schema import migrations
from adw_state.schema.migration_files import known
from adw_state.state import BeadsStateManager
from adw_state.store.importing import Tally
from adw_state.trackers.bd import BD_DOLT, create_beads_database
from adw_state.trackers.br import BR
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location, Tracker
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
from adws.tests.beside_beads.trackers import RealBd
from adws.tests.conftest import ISSUES
from adws.tests.processes import run_together
from adws.tests.project import Project

ALL = Tally(restored=5, attempts=5, checkpoints=10)


@pytest.fixture
def project(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Path:
    """A project on bd with SQLite, with a run on each issue."""
    folder = tmp_path / "project"
    old_file(folder).parent.mkdir(parents=True)
    shutil.copyfile(beads_template, old_file(folder))
    with BeadsStateManager(old_file(folder), clock=clock) as state:
        for issue in ISSUES:
            run_on(state, issue.id, claim=True)
    return folder


def old_file(project: Path) -> Path:
    return project / ".beads" / "beads.db"


def where(project: Path) -> Location:
    return locate(cwd=project, environ={})


def look_behind(location: Location, clock: SettableClock) -> Survey:
    return survey(previous_locations(location), None, clock)


def moved(project: Path, clock: SettableClock) -> Tally:
    location = where(project)
    return restore(location, look_behind(location, clock).sources, clock, kind="moved").total


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def to_dolt(project: Path) -> None:
    """What bd on Dolt leaves in the folder."""
    (project / ".beads" / "metadata.json").write_text('{"database":"dolt","backend":"dolt"}')
    (project / ".beads" / "embeddeddolt").mkdir()


def to_br(project: Path) -> None:
    (project / ".beads" / ".br_history").mkdir()


def to_br_with_its_own_engine(project: Path) -> None:
    with old_file(project).open("r+b") as file:
        file.seek(60)
        file.write((16).to_bytes(4, "big"))


def to_dolt_by_itself(project: Path) -> None:
    """What bd 0.57 does with the first command it is given."""
    old_file(project).rename(project / ".beads" / "beads.db.migrated")
    (project / ".beads" / "dolt").mkdir()


@pytest.mark.parametrize(
    ("change", "tracker"),
    [
        (to_dolt, BD_DOLT),
        (to_dolt_by_itself, BD_DOLT),
        (to_br, BR),
        (to_br_with_its_own_engine, BR),
    ],
)
def test_everything_comes_along_and_the_old_file_stays_as_it_is(
    change: Callable[[Path], None], tracker: Tracker, project: Path, clock: SettableClock
) -> None:
    before, runs = everything(old_file(project)), live(old_file(project))
    change(project)
    (left,) = look_behind(where(project), clock).sources
    untouched = sha(left.path)

    assert moved(project, clock) == ALL

    home = where(project)
    assert (home.tracker, home.database) == (tracker, project / ".adw" / "state.sqlite3")
    assert everything(home.database) == before
    assert live(home.database) == runs
    assert reconciliations(home.database) == [("moved", None, None, 5)]
    assert sha(left.path) == untouched


def test_the_second_time_nothing_moves(project: Path, clock: SettableClock) -> None:
    to_dolt(project)
    moved(project, clock)
    before = everything(where(project).database)

    assert moved(project, clock) == Tally(present=5)
    assert everything(where(project).database) == before


def test_runs_go_on_where_they_were(project: Path, clock: SettableClock) -> None:
    run = next(iter(live(old_file(project))))
    to_dolt(project)
    moved(project, clock)

    with BeadsStateManager(where(project).database, clock=clock) as state:
        execution = state.take_over(run, "another", force=True)
        assert execution.fence == 2
        assert state.save_checkpoint(run, "plan", "next", {}, fence=2).seq == 3


def test_rows_that_are_only_in_the_log_come_along(project: Path, clock: SettableClock) -> None:
    with closing(sqlite3.connect(old_file(project))) as holder:
        holder.execute("SELECT count(*) FROM issues").fetchall()  # its end would empty the log
        with BeadsStateManager(old_file(project), clock=clock) as state:
            late = run_on(state, "demo-1").id
        to_dolt(project)
        untouched = [sha(old_file(project)), sha(Path(f"{old_file(project)}-wal"))]

        moved(project, clock)

        assert [sha(old_file(project)), sha(Path(f"{old_file(project)}-wal"))] == untouched
    assert late in live(where(project).database)


def test_renames_that_nobody_followed_are_followed_on_the_way(project: Path, clock: SettableClock) -> None:
    replays.rename_prefix(old_file(project), "demo-", "new-")
    to_dolt(project)

    assert moved(project, clock) == ALL
    assert sorted(live(where(project).database).values()) == ["new-1", "new-2", "new-3", "new-4", "new-5"]


def test_archived_runs_come_along_as_archived_ones(project: Path, clock: SettableClock) -> None:
    runs = {issue: run for run, issue in live(old_file(project)).items()}
    replays.delete(old_file(project), "demo-1")
    with BeadsStateManager(old_file(project), clock=clock) as state:
        state.update_execution_status(runs["demo-2"], "completed")
        clock.advance(days=1)
        state.archive_old_executions(0)
    before = everything(old_file(project))
    to_dolt(project)

    moved(project, clock)

    home = where(project).database
    assert archived(home) == {runs["demo-1"]: ("demo-1", "orphaned"), runs["demo-2"]: ("demo-2", "retention")}
    assert everything(home) == before
    assert moved(project, clock) == Tally(present=5)


def test_what_was_run_before_there_was_a_tracker_moves_into_its_file(
    tmp_path: Path, clock: SettableClock
) -> None:
    sidecar = where(tmp_path).database
    migrations.create_store(sidecar, backup_folder=tmp_path / "backups", clock=clock)
    with BeadsStateManager(sidecar, clock=clock) as state:
        known, unknown = run_on(state, "demo-1"), run_on(state, "by-hand")
    untouched, before = sha(sidecar), everything(sidecar)
    create_beads_database(old_file(tmp_path), "demo", ISSUES, SettableClock(replays.BORN).now())

    assert moved(tmp_path, clock) == Tally(restored=1, archived=1, attempts=2, checkpoints=4)

    home = where(tmp_path)
    assert home.is_shared_file
    assert live(home.database) == {known.id: "demo-1"}
    assert archived(home.database) == {unknown.id: ("by-hand", "orphaned")}
    assert everything(home.database) == before
    assert complaints(home.database) == []
    assert sha(sidecar) == untouched


def test_a_folder_that_became_a_git_repository_keeps_its_history(
    tmp_path: Path, clock: SettableClock
) -> None:
    sidecar = where(tmp_path).database
    migrations.create_store(sidecar, backup_folder=tmp_path / "backups", clock=clock)
    with BeadsStateManager(sidecar, clock=clock) as state:
        run = run_on(state, "x-1")
    made = Project(tmp_path, tracker=False)

    ran = made.adw("migrate", "move")

    assert ran.code == 0, ran.err
    home = tmp_path / ".git" / "adw" / "state.sqlite3"
    assert ran.out.splitlines() == [
        f"{sidecar}",
        "  the sidecar, newest change 2001-11-23 12:00:00 UTC",
        "  holds 1 executions, 1 attempts, 2 checkpoints",
        "  brings 1 back, 1 attempts, 2 checkpoints",
        "Migrations: " + ", ".join(migration.version for migration in known()),
        "Executions: 1 back, 0 brought up to date, 0 to the archive (their issue is gone)",
        "            1 attempts, 2 checkpoints",
        f"Done in {home}.",
    ]
    assert live(home) == {run.id: "x-1"}


def test_where_nothing_was_left_behind_nothing_is_made(tmp_path: Path) -> None:
    fresh = Project(tmp_path / "fresh", tracker=False)

    ran = fresh.adw("migrate", "move")

    home = fresh.folder / ".git" / "adw" / "state.sqlite3"
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "No history was found outside the database.",
        f"Nothing is missing in {home}; nothing was changed.",
    ]
    assert not home.exists()


def test_moving_five_times_at_once_moves_everything_once(project: Path, clock: SettableClock) -> None:
    before = everything(old_file(project))
    to_dolt(project)

    totals = run_together([lambda: moved(project, clock)] * 5)

    assert sum(total.restored for total in totals) == 5
    assert everything(where(project).database) == before


def test_a_project_that_a_real_bd_moved_to_dolt_takes_its_history_along(
    real_bd: Callable[[str], RealBd], tmp_path: Path, clock: SettableClock
) -> None:
    old, new = real_bd("0.49.6"), real_bd("1.0.5")
    project = Project(tmp_path / "real", tracker=False)
    old.run(project.folder, "init", "--prefix", "tk", "--quiet")
    for title in ("One", "Two", "Three"):
        old.run(project.folder, "create", title, "-d", "x")
    old.run(project.folder, "sync", "--flush-only")
    assert project.adw("init").code == 0
    issue_ids = [str(row[0]) for row in rows(project.database, "SELECT id FROM issues ORDER BY id")]
    with BeadsStateManager(project.database, clock=clock) as state:
        for issue_id in issue_ids:
            run_on(state, issue_id)
    before, untouched = everything(project.database), sha(project.database)

    new.run(project.folder, "init", "--from-jsonl", "--prefix", "tk", "--non-interactive")
    environ = {"PATH": new.on_path(tmp_path / "bin"), "HOME": str(new.home)}
    assert project.adw("list", environ=environ).code == 4
    ran = project.adw("migrate", "move", "--json", environ=environ)

    assert ran.code == 0, ran.err
    assert ran.json["total"]["restored"] == 3
    home = project.folder / ".git" / "adw" / "state.sqlite3"
    assert ran.json["database"] == str(home)
    assert everything(home) == before
    assert sorted(live(home).values()) == issue_ids
    assert sha(project.database) == untouched
    assert project.adw("list", environ=environ).code == 0
    assert "One" in new.run(project.folder, "list")
