"""Projects in folders whose names hold what SQLite, git, shells or encodings give a meaning."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from adw_state.text_files import path_text
from adw_state.trackers.repository import find_repository
from adws.tests.project import Project

NAMES = {
    "line breaks": "line\nbreak\r\nend\u2028and\x85more",
    "signs": '  100%25 %s?mode=memory&a=b#c it\'s a "project" of `mine` in $HOME\\x \x1b[31m ',
    "bytes that are not UTF-8": "gr\udcfcn",
    "a dash": "-dash",
}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return NAMES[request.param]


@pytest.mark.parametrize("tracker", [True, False], ids=["with a tracker", "without one"])
def test_every_command_works_there(name: str, tracker: bool, tmp_path: Path) -> None:
    project = Project(tmp_path / name, tracker=tracker)

    def adw(*words: str) -> str:
        ran = project.adw(*words)
        assert (ran.code, ran.err) == (0, ""), words
        return ran.out

    about = () if tracker else ("--title", "A task", "--type", "task")
    adw("where")
    adw("init")
    adw("run", "bd-42", *about, "--until", "plan")
    (begun,) = json.loads(adw("list", "--json"))["executions"]
    adw("resume", begun["id"])
    adw("status")
    adw("show", begun["id"])
    adw("checkpoints", begun["id"])
    adw("migrate", "up")
    adw("migrate", "status")
    adw("health")
    adw("doctor")
    adw("restore")
    adw("analyze")
    (ended,) = json.loads(adw("list", "--json"))["executions"]
    assert ended["status"] == "completed"
    assert ended["worktree_path"].startswith(path_text(Path(os.path.realpath(project.folder))) + "/")
    report = json.loads(adw("analyze", "--backend", "json", "--json"))
    assert report["outcomes"]["completed"] == 1


def test_history_comes_back_there_from_the_json_states(name: str, tmp_path: Path) -> None:
    project = Project(tmp_path / name, tracker=False)
    assert project.adw("run", "x-1", "--title", "A task", "--type", "task").code == 0
    assert project.adw("restore").code == 0
    (run,) = project.adw("list", "--json").json["executions"]
    assert (run["issue_id"], run["status"]) == ("x-1", "completed")


def test_a_linked_worktree_there_belongs_to_its_repository(name: str, tmp_path: Path) -> None:
    project = Project(tmp_path / name, tracker=False)
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / f"linked {name}"))
    found = find_repository(tmp_path / f"linked {name}", {})
    assert found is not None
    assert (found.linked, found.project) == (True, project.folder)
    assert find_repository(project.folder, {}) is not None
