"""Beside real bd programs: we look where they look, and read what they wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.errors import IssueNotFoundError
from adw_state.trackers.bd import BD_DOLT
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, read_issue
from adws.tests.beside_beads.trackers import RealBd, classic, git_repository, worktree

GetBd = Callable[[str], RealBd]
CLASSIC = ("0.17.7", "0.49.6")


def initialised(bd: RealBd, top: Path) -> Path:
    git_repository(top)
    bd.run(top, "init", "--prefix", "tk")
    return top


def created(bd: RealBd, top: Path, *arguments: str) -> str:
    """The id of a new issue."""
    answer = json.loads(bd.run(top, "create", *arguments, "--json"))
    return str(answer["id"])


def database_of_bd(bd: RealBd, cwd: Path, environ: dict[str, str]) -> Path:
    info = json.loads(bd.run(cwd, "info", "--json", environ=environ))
    return Path(os.path.realpath(info["database_path"]))


@pytest.mark.parametrize("version", CLASSIC)
def test_we_find_the_database_that_bd_uses(version: str, real_bd: GetBd, tmp_path: Path) -> None:
    bd = real_bd(version)
    top = initialised(bd, tmp_path / "project")
    (top / "src").mkdir()
    other = classic(tmp_path / "other" / ".beads" / "tk.db")
    loose = classic(tmp_path / "loose.db")
    ways: list[tuple[Path, dict[str, str]]] = [
        (top, {}),
        (top / "src", {}),
        (other.parent.parent, {}),
        (top, {"BEADS_DB": str(other)}),
        (top, {"BEADS_DB": "../loose.db"}),
        (top, {"BD_DB": str(loose), "BEADS_DB": str(other)}),
    ]
    ours = [locate(cwd=cwd, environ=environ).database for cwd, environ in ways]
    assert ours == [database_of_bd(bd, cwd, environ) for cwd, environ in ways]
    assert ours == [top / ".beads" / "beads.db"] * 2 + [other, other, loose, loose]


def test_we_find_the_database_that_newer_bd_uses_from_worktrees_and_by_beads_dir(
    real_bd: GetBd, tmp_path: Path
) -> None:
    bd = real_bd("0.49.6")
    top = initialised(bd, tmp_path / "project")
    linked = worktree(top, tmp_path / "linked")
    other = initialised(bd, tmp_path / "other")
    moved = git_repository(tmp_path / "moved")
    (moved / ".beads").mkdir()
    (moved / ".beads" / "redirect").write_text("../other/.beads\n")
    ways: list[tuple[Path, dict[str, str]]] = [
        (linked, {}),
        (linked, {"BEADS_DIR": str(other / ".beads")}),
        (top, {"BEADS_DIR": "/nowhere"}),
        (top, {"BEADS_DIR": str(other / ".beads"), "BEADS_DB": str(top / ".beads" / "beads.db")}),
        (moved, {}),
    ]
    ours = [locate(cwd=cwd, environ=environ).database for cwd, environ in ways]
    assert ours == [database_of_bd(bd, cwd, environ) for cwd, environ in ways]


@pytest.mark.parametrize("version", CLASSIC)
def test_we_read_the_issue_that_bd_wrote(version: str, real_bd: GetBd, tmp_path: Path) -> None:
    bd = real_bd(version)
    top = initialised(bd, tmp_path / "project")
    issue_id = created(
        bd, top, "It breaks", "-t", "bug", "-p", "0", "-d", "Now.", "--design", "So.", "-l", "b,a"
    )
    bd.run(top, "update", issue_id, "--notes", "Later.", "--status", "in_progress")
    location = locate(cwd=top, environ={})
    assert location.jsonl == top / ".beads" / "issues.jsonl"
    assert read_issue(location, issue_id) == Issue(
        id=issue_id,
        title="It breaks",
        issue_type="bug",
        priority=0,
        status="in_progress",
        description="Now.",
        design="So.",
        notes="Later.",
        labels=("a", "b"),
    )


@pytest.mark.parametrize(("version", "why"), [("0.17.7", "has no issue"), ("0.49.6", "was deleted")])
def test_an_issue_that_bd_deleted_is_not_found(
    version: str, why: str, real_bd: GetBd, tmp_path: Path
) -> None:
    bd = real_bd(version)
    top = initialised(bd, tmp_path / "project")
    issue_id = created(bd, top, "Short-lived", "-d", "Soon gone.")
    bd.run(top, "delete", issue_id, "--force")
    with pytest.raises(IssueNotFoundError, match=why):
        read_issue(locate(cwd=top, environ={}), issue_id)


def test_the_tracker_of_today_keeps_its_store_to_itself_and_shows_its_issues(
    real_bd: GetBd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bd = real_bd("1.0.5")
    top = initialised(bd, tmp_path / "project")
    linked = worktree(top, tmp_path / "linked")
    issue_id = created(bd, top, "It breaks", "-t", "bug", "-p", "0", "-d", "Now.", "-l", "b,a")

    location = locate(cwd=linked, environ={})
    assert (location.tracker, location.beads_dir) == (BD_DOLT, top / ".beads")
    assert location.database == top / ".git" / "adw" / "state.sqlite3"
    assert location == locate(cwd=linked, environ=bd.environ)

    for name, value in bd.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", bd.on_path(tmp_path / "bin"))
    assert read_issue(location, issue_id) == Issue(
        issue_id, "It breaks", "bug", 0, "open", description="Now.", labels=("a", "b")
    )
    for unknown in ("tk-none", "--help", "../tk", "tk '\"", issue_id.removeprefix("tk-")):
        with pytest.raises(IssueNotFoundError):
            read_issue(location, unknown)

    bd.run(top, "export", "-o", ".beads/issues.jsonl")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    exported = read_issue(locate(cwd=linked, environ={}), issue_id)
    assert (exported.title, exported.priority, exported.labels) == ("It breaks", 0, ("a", "b"))


def test_a_bd_too_old_for_dolt_leaves_the_issue_to_the_export_and_starts_no_database(
    real_bd: GetBd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bd = real_bd("0.34.0")
    top = git_repository(tmp_path / "project")
    (top / ".beads" / "embeddeddolt").mkdir(parents=True)
    (top / ".beads" / "metadata.json").write_text('{"database": "dolt", "backend": "dolt"}')
    (top / ".beads" / "issues.jsonl").write_text('{"id":"tk-1","title":"x","status":"open"}\n')
    monkeypatch.setenv("PATH", bd.on_path(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(bd.home))
    warnings: list[str] = []
    assert read_issue(locate(cwd=top, environ={}), "tk-1", warnings.append).title == "x"
    assert len(warnings) == 1
    assert "issues.jsonl" in warnings[0]
    assert not list((top / ".beads").glob("*.db"))
