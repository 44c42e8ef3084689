"""The earlier implementation's views keep a real bd out of its own file; `adw migrate up` lets it in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adws.tests.beside_beads.trackers import RealBd, git_repository
from adws.tests.migrations.earlier import checkpoint, execution, make_earlier, rows

GetBd = Callable[[str], RealBd]


def with_earlier_runs(bd: RealBd, top: Path) -> tuple[Path, list[str]]:
    """A project of this bd with three issues, each with a run of the earlier implementation."""
    git_repository(top)
    bd.run(top, "init", "--prefix", "tk")
    issues = [
        str(json.loads(bd.run(top, "create", title, "-d", "So.", "--json"))["id"])
        for title in ("A", "B", "C")
    ]
    database = next((top / ".beads").glob("*.db"))
    runs = [
        execution(f"{n}a2b3c4d", issue, status="failed", error_message="no tests")
        for n, issue in enumerate(issues, 1)
    ]
    make_earlier(database, runs, [checkpoint(str(runs[0]["id"]), "planned", "2026-11-20 10:10:00")])
    return database, issues


def adw(top: Path, *words: str) -> str:
    """What `adw` printed in a project; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "adw_state.cli", *words], cwd=top, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("older", ["0.17.7", "0.34.0"])
def test_bd_refuses_its_file_before_and_works_after(older: str, real_bd: GetBd, tmp_path: Path) -> None:
    top = tmp_path / "project"
    database, issues = with_earlier_runs(real_bd(older), top)
    bd = real_bd("0.49.6")
    refused = bd.attempt(top, "create", "Another", "-d", "So.", "--json")
    assert refused.returncode != 0
    assert "error in view" in refused.stdout + refused.stderr

    adw(top, "migrate", "up")
    assert len(json.loads(bd.run(top, "list", "--json"))) == 3
    made = json.loads(bd.run(top, "create", "Another", "-d", "So.", "--json"))["id"]
    bd.run(top, "close", made)
    bd.run(top, "update", issues[0], "--status", "in_progress")
    assert rows(database, "SELECT issue_id, issue_title FROM adw_executions ORDER BY id") == [
        (issue, title) for issue, title in zip(issues, "ABC", strict=True)
    ]
    assert rows(database, "SELECT execution_id, seq FROM adw_checkpoints") == [("1a2b3c4d", 1)]
    assert rows(database, "PRAGMA foreign_key_check") == []
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


def test_runs_whose_issues_a_real_bd_renamed_before_follow_them_at_the_first_opening(
    real_bd: GetBd, tmp_path: Path
) -> None:
    top, bd = tmp_path / "project", real_bd("0.29.0")
    database, _ = with_earlier_runs(bd, top)
    bd.run(top, "rename-prefix", "new-")
    adw(top, "migrate", "up")
    assert rows(database, "SELECT count(*) FROM adw_executions") == [(0,)]
    listed = json.loads(adw(top, "list", "--json"))
    assert [run["issue_id"].partition("-")[0] for run in listed["executions"]] == ["new"] * 3
    assert rows(database, "PRAGMA foreign_key_check") == []
    bd.run(top, "list")
