"""A report reads through the manager: a file is reconciled first, and one that br has been at is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import TrackerChangedError
from adw_state.reports.report import (
    get_failure_distribution,
    get_phase_funnel,
    get_success_rate_by_issue_type,
)
from adw_state.state import BeadsStateManager
from adws.tests.beside_beads import replays


@pytest.fixture
def project(tmp_path: Path, beads_db: Path, clock: SettableClock) -> Path:
    """A project of bd with one completed run, whose issue has since been imported anew by the tracker."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with BeadsStateManager(beads_db, clock=clock) as state:
        state.update_execution_status(state.create_execution("demo-1").id, "completed")
    replays.replace(beads_db, "demo-1", "Login fails on Safari and Firefox")
    return tmp_path


@pytest.mark.parametrize("named", [True, False], ids=["--db", "the project's"])
def test_the_first_report_after_an_import_by_the_tracker_counts_what_that_had_archived(
    project: Path, beads_db: Path, clock: SettableClock, named: bool
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "adw_state.cli",
            "analyze",
            "--json",
            *(["--db", str(beads_db)] if named else []),
        ],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "ADW_NOW": clock.now().isoformat().replace("+00:00", "Z")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shape = json.loads(done.stdout)
    assert (shape["outcomes"]["total"], shape["outcomes"]["completed"], shape["notes"]) == (1, 1, [])


def test_each_question_counts_what_an_import_by_the_tracker_had_archived(
    project: Path, beads_db: Path, tmp_path: Path, clock: SettableClock
) -> None:
    imported = tmp_path / "copies"
    questions = (get_success_rate_by_issue_type, get_phase_funnel, get_failure_distribution)
    copies = [imported / question.__name__ / ".beads" / "beads.db" for question in questions]
    for copy in copies:
        copy.parent.mkdir(parents=True)
        shutil.copyfile(beads_db, copy)
    [group] = get_success_rate_by_issue_type(copies[0], 24, clock=clock)
    assert group.completed == 1
    assert [funnel.executions for funnel in get_phase_funnel(copies[1], 24, clock=clock)] == [1]
    assert get_failure_distribution(copies[2], 24, clock=clock).failures == 0


def test_a_file_that_br_has_stamped_is_not_reported_from(beads_db: Path, clock: SettableClock) -> None:
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.execute("PRAGMA user_version = 15")
    with pytest.raises(TrackerChangedError, match="br has been at"):
        get_phase_funnel(beads_db, 24, clock=clock)
