"""Which issues are ready: what bd says, also where it is not asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adw_state.errors import IssueNotFoundError
from adw_state.trackers.bd import BD
from adw_state.trackers.br import BR
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Export, Tracker, ready_among, ready_issues
from adws.tests.beside_beads.trackers import RealBd, digests, git_repository
from adws.tests.project import Project

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BD_ON_SQLITE = ("0.17.7", "0.24.4", "0.29.0", "0.30.6", "0.34.0", "0.49.6")


def filled(bd: RealBd, top: Path) -> Path:
    """A project with issues that are free, block each other, and have children."""
    git_repository(top)
    bd.run(top, "init", "--prefix", "tk")
    words = {"blocker": "-p 1 -l b,a", "blocked": "-p 0", "epic": "-t feature", "child": "", "free": "-p 3"}
    words |= {"done": "", "after": "-p 2", "begun": "", "found": "-p 4"}
    ids = {
        name: json.loads(bd.run(top, "create", name, *options.split(), "--json"))["id"]
        for name, options in words.items()
    }
    for issue, other, kind in (
        ("blocked", "blocker", "blocks"),
        ("epic", "blocker", "blocks"),
        ("child", "epic", "parent-child"),
        ("after", "done", "blocks"),
        ("found", "blocker", "discovered-from"),
    ):
        bd.run(top, "dep", "add", ids[issue], ids[other], "--type", kind)
    bd.run(top, "close", ids["done"], "--reason", "Done.")
    bd.run(top, "update", ids["begun"], "--status", "in_progress")
    return top


def ready_for_bd(bd: RealBd, top: Path) -> set[str]:
    """What bd says can be begun; older ones name what is in progress, too."""
    listed = json.loads(bd.run(top, "ready", "--json", "--limit", "100"))
    return {issue["title"] for issue in listed if issue["status"] == "open"}


@pytest.mark.parametrize("version", BD_ON_SQLITE)
def test_the_ready_issues_of_a_file_or_an_export_are_those_of_bd(
    version: str, real_bd: Callable[[str], RealBd], tmp_path: Path
) -> None:
    bd = real_bd(version)
    top = filled(bd, tmp_path / "project")
    location, now = locate(cwd=top, environ={}), datetime.now(UTC)

    found = ready_issues(location, now)

    assert [(issue.title, issue.priority) for issue in found] == [
        ("blocker", 1),
        ("after", 2),
        ("free", 3),
        ("found", 4),
    ]
    assert {issue.title for issue in found} == ready_for_bd(bd, top)
    assert found[0].labels == ("a", "b")
    if location.jsonl is None:
        bd.run(top, "export", "-o", ".beads/issues.jsonl")
        location = locate(cwd=top, environ={})
    exported = Export().ready(location, now)
    assert {fields["title"] for fields in exported} == {issue.title for issue in found}


def test_what_is_deferred_for_bd_is_not_ready(real_bd: Callable[[str], RealBd], tmp_path: Path) -> None:
    bd = real_bd("0.49.6")
    top = filled(bd, tmp_path / "project")
    bd.run(top, "create", "later", "--defer", "+2d")
    bd.run(top, "create", "soon", "--defer", "+1h")
    location, now = locate(cwd=top, environ={}), datetime.now(UTC)

    assert {issue.title for issue in ready_issues(location, now)} == ready_for_bd(bd, top)
    assert "soon" in {issue.title for issue in ready_issues(location, now + timedelta(hours=2))}


def test_bd_on_dolt_says_itself_what_is_ready_and_its_folder_stays_as_it_is(
    real_bd: Callable[[str], RealBd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bd = real_bd("1.0.5")
    top = filled(bd, tmp_path / "project")
    for name, value in bd.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", bd.on_path(tmp_path / "bin"))
    touched = (top / ".beads" / "last-touched").read_text()

    found = ready_issues(locate(cwd=top, environ={}), datetime.now(UTC))

    assert [issue.title for issue in found] == ["blocker", "after", "free", "found"]
    assert {issue.title for issue in found} == ready_for_bd(bd, top)
    assert (top / ".beads" / "last-touched").read_text() == touched


@pytest.mark.parametrize("answer", ["echo none", "echo '[]'; exit 1", 'echo \'{"error": "no"}\''])
def test_where_bd_gives_no_list_the_export_counts_and_a_warning_says_so(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads" / "metadata.json").write_text('{"backend":"dolt"}')
    (tmp_path / ".beads" / "issues.jsonl").write_text('{"id":"tk-1","title":"First","status":"open"}\n')
    (tmp_path / "bd").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "bd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    warnings: list[str] = []

    found = ready_issues(locate(cwd=tmp_path, environ={}), NOW, warnings.append)

    assert [issue.id for issue in found] == ["tk-1"]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"what is ready was read from {tmp_path}/.beads/issues.jsonl, which may be")


def issue(issue_id: str, *dependencies: tuple[str, str], **fields: Any) -> dict[str, object]:
    listed = [{"depends_on_id": other, "type": kind} for kind, other in dependencies]
    return {"id": issue_id, "status": "open", "dependencies": listed, **fields}


@pytest.mark.parametrize(
    ("issues", "ready"),
    [
        ([issue("a", status="blocked")], []),
        ([issue("a", issue_type="molecule")], []),
        ([issue("a", issue_type="epic")], ["a"]),
        ([issue("a", pinned=1)], []),
        ([issue("a", ephemeral=True)], []),
        ([issue("a", defer_until="2026-05-04T12:00:01Z")], []),
        ([issue("a", defer_until="2026-05-04T14:00:00+02:00")], ["a"]),
        ([issue("a", defer_until="2026-05-04 12:00:00")], ["a"]),
        ([issue("a", defer_until="some day")], []),
        ([issue("a", defer_until="")], ["a"]),
        ([issue("a", ("blocks", "b")), issue("b", status="in_progress")], []),
        ([issue("a", ("blocks", "b")), issue("b", status="closed")], ["a"]),
        ([issue("a", ("blocks", "b")), issue("b", status="tombstone")], ["a"]),
        ([issue("a", ("blocks", "b")), issue("b", status="pinned")], ["a"]),
        ([issue("a", ("blocks", "gone"))], ["a"]),
        ([issue("a", ("blocks", "external:ours:it"))], []),
        ([issue("a", ("waits-for", "b")), issue("b")], ["b"]),
        ([issue("a", ("related", "b")), issue("b")], ["a", "b"]),
        ([issue("a", ("parent-child", "b")), issue("b")], ["a", "b"]),
        ([issue("a", ("parent-child", "b")), issue("b", defer_until="2027-01-01T00:00:00Z")], []),
        (
            [
                issue("a", ("parent-child", "b")),
                issue("b", ("parent-child", "c")),
                issue("c", ("blocks", "d")),
                issue("d"),
            ],
            ["d"],
        ),
        ([issue("a", ("blocks", "b")), issue("b", ("blocks", "a"))], []),
        ([issue("a", dependencies="none"), issue("b", dependencies=[1, {"type": "blocks"}])], ["a", "b"]),
    ],
)
def test_work_that_waits_for_nothing_is_ready(issues: list[dict[str, object]], ready: list[str]) -> None:
    assert [fields["id"] for fields in ready_among(issues, NOW)] == ready


@pytest.mark.parametrize(
    ("mark", "text", "tracker"), [(".write.lock", "", BR), ("config.yaml", "no-db: true", BD)]
)
def test_the_newest_line_of_an_export_says_whether_an_issue_is_ready(
    mark: str, text: str, tracker: Tracker, tmp_path: Path
) -> None:
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads" / mark).write_text(text)
    (tmp_path / ".beads" / "issues.jsonl").write_text(
        '{"id":"tk-1","status":"open"}\n{"id":"tk-2","status":"closed"}\nbroken\n'
        '{"id":"tk-1","status":"closed"}\n{"id":"tk-2","status":"open"}\n'
    )
    location = locate(cwd=tmp_path, environ={})
    assert location.tracker is tracker
    assert [issue.id for issue in ready_issues(location, NOW)] == ["tk-2"]


def test_without_a_tracker_nothing_is_said_to_be_ready(tmp_path: Path) -> None:
    with pytest.raises(IssueNotFoundError, match="there is no tracker to read issues from"):
        ready_issues(locate(cwd=tmp_path, environ={}), NOW)


def test_adw_ready_lists_the_most_urgent_first_and_makes_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    before = digests(project.folder)

    shown, listed = project.adw("ready"), project.adw("ready", "--json")

    assert shown.out.splitlines() == [
        "Ready issues",
        "  issue  priority  type     title",
        "  bd-42  1         bug      Login fails on Safari",
        "  bd-43  2         feature  Export as CSV",
        "  bd-44  3         chore    Tidy the build script",
    ]
    assert listed.json["schema"] == "adw.ready/1"
    assert listed.json["tracker"] == "bd"
    assert listed.json["issues"][0] == {
        "id": "bd-42",
        "title": "Login fails on Safari",
        "issue_type": "bug",
        "priority": 1,
        "status": "open",
        "description": "Since the last release.",
        "design": "",
        "acceptance_criteria": "",
        "notes": "",
        "labels": [],
    }
    assert digests(project.folder) == before
