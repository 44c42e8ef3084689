"""Runs beside the tracker of today, a real bd on Dolt: its store is never touched, ours holds everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adw_state.state import BeadsStateManager
from adws.tests.beside_beads.trackers import (
    RealBd,
    bd_program,
    digests,
    git,
    git_repository,
    needs_bd,
    worktree,
)
from adws.tests.migrations.earlier import rows
from adws.tests.project import Ran

TITLES = [f"Issue {number}" for number in range(1, 11)]


class DoltProject:
    """A git repository whose issues a real bd keeps in Dolt, with a worktree beside it, and `adw` in both."""

    def __init__(self, bd: RealBd, folder: Path) -> None:
        self.bd = bd
        self.top = git_repository(folder / "project")
        bd.run(self.top, "init", "--prefix", "tk")
        (self.top / "adw.toml").write_text('agent = "scripted"\n')
        git(self.top, "add", "adw.toml")
        git(self.top, "commit", "-q", "-m", "Set the agent")
        self.linked = worktree(self.top, folder / "linked")
        self.environ = bd.environ | {"PATH": bd.on_path(folder / "bin")}
        self.issues = [self.create(title) for title in TITLES]
        assert self.adw("init").code == 0

    @property
    def beads(self) -> Path:
        return self.top / ".beads"

    @property
    def database(self) -> Path:
        return self.top / ".git" / "adw" / "state.sqlite3"

    def create(self, title: str) -> str:
        made = self.bd.run(self.top, "create", title, "-t", "bug", "-p", "1", "-d", "So.", "--json")
        return str(json.loads(made)["id"])

    def list_issues(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.bd.run(self.top, "list", "--all", "--json"))
        return sorted(listed, key=lambda issue: issue["id"])

    def adw(self, *words: str, cwd: Path | None = None) -> Ran:
        with self.start(*words, cwd=cwd) as process:
            return finished(process)

    def start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "adw_state.cli", *words],
            cwd=cwd or self.top,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def status_of(self, issue: str) -> list[str]:
        """How the executions of an issue stand."""
        with BeadsStateManager(self.database) as state:
            return [run.status for run in state.list_executions(issue_id=issue)]


def finished(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DoltProject:
    needs_bd("1.0.5")
    program = bd_program("1.0.5")
    assert program is not None
    folder = tmp_path_factory.mktemp("dolt")
    (folder / "home").mkdir()
    return DoltProject(RealBd(program, folder / "home"), folder)


def test_a_run_changes_nothing_in_the_trackers_folder(project: DoltProject) -> None:
    issue, before = project.issues[0], digests(project.beads)
    ran = project.adw("run", issue)
    assert ran.code == 0, ran.err
    assert digests(project.beads) == before
    columns = "issue_title, issue_type, issue_priority, status"
    found = rows(project.database, f"SELECT {columns} FROM adw_executions WHERE issue_id = '{issue}'")
    assert found == [("Issue 1", "bug", 1, "completed")]


def test_the_issue_last_touched_stays_the_users(project: DoltProject) -> None:
    # bd's `close` without an id means that one.
    mine, other = project.issues[8], project.issues[9]
    project.bd.run(project.top, "update", mine, "--notes", "At it.")
    assert project.adw("run", other).code == 0
    assert (project.beads / "last-touched").read_text().strip() == mine


def test_a_run_from_a_linked_worktree_is_filed_with_the_others(project: DoltProject) -> None:
    issue, before = project.issues[1], digests(project.beads)
    ran = project.adw("run", issue, "--adw-id", "from-linked", cwd=project.linked)
    assert ran.code == 0, ran.err
    assert digests(project.beads) == before
    assert project.status_of(issue) == ["completed"]
    assert (project.top / ".adw" / "agents" / "from-linked" / "adw_state.json").is_file()
    assert not (project.linked / ".beads" / "embeddeddolt").exists()
    assert not list(project.linked.rglob("*.sqlite3"))
    here, there = (project.adw("list", "--json", cwd=cwd).json for cwd in (project.top, project.linked))
    assert here == there


def test_eight_runs_at_once_on_eight_issues_all_complete(project: DoltProject) -> None:
    issues, before = project.issues[:8], digests(project.beads)
    known = [len(project.status_of(issue)) for issue in issues]
    places = [project.top, project.linked] * 4
    runs = [project.start("run", issue, cwd=cwd) for issue, cwd in zip(issues, places, strict=True)]
    done = [finished(run) for run in runs]
    assert [(ran.code, ran.err) for ran in done] == [(0, "")] * 8
    assert [len(project.status_of(issue)) for issue in issues] == [count + 1 for count in known]
    assert {status for issue in issues for status in project.status_of(issue)} == {"completed"}
    assert digests(project.beads) == before
    assert rows(project.database, "PRAGMA integrity_check") == [("ok",)]


def test_bd_works_while_runs_are_at_work_and_after(project: DoltProject) -> None:
    issues = [project.create("Later"), project.create("Later still")]
    runs = [project.start("run", issue) for issue in issues]
    made = project.create("Meanwhile")
    project.bd.run(project.top, "update", issues[0], "--claim")
    assert [finished(run).code for run in runs] == [0, 0]
    project.bd.run(project.top, "close", made)
    found = {issue["id"]: issue["status"] for issue in project.list_issues()}
    assert found[made] == "closed"
    assert found[issues[0]] == "in_progress"
    assert found[issues[1]] == "open"
    shown = json.loads(project.bd.run(project.top, "show", issues[1], "--json"))
    assert shown[0]["title"] == "Later still"


def test_an_unknown_issue_starts_nothing(project: DoltProject) -> None:
    before = rows(project.database, "SELECT count(*) FROM adw_executions")
    ran = project.adw("run", "tk-none")
    assert ran.code == 3
    assert ran.err.startswith("Error: bd has no issue 'tk-none'")
    assert rows(project.database, "SELECT count(*) FROM adw_executions") == before


def test_without_bd_on_the_path_the_export_is_read(project: DoltProject) -> None:
    issue = project.create("Exported")
    project.bd.run(project.top, "export", "-o", ".beads/issues.jsonl")
    with_bd = dict(project.environ)
    project.environ["PATH"] = os.environ["PATH"]
    try:
        ran = project.adw("run", issue)
    finally:
        project.environ = with_bd
    assert ran.code == 0, ran.err
    assert project.status_of(issue) == ["completed"]


def test_every_command_that_looks_at_the_history_works_there(project: DoltProject) -> None:
    before = digests(project.beads)
    for words in (
        ["status"],
        ["list"],
        ["analyze"],
        ["health"],
        ["where"],
        ["migrate", "up"],
        ["migrate", "status"],
    ):
        ran = project.adw(*words, cwd=project.linked)
        assert ran.code == 0, (words, ran.err)
    assert digests(project.beads) == before
    with BeadsStateManager(project.database) as state:
        assert state.check_health().ok
