"""Where the files of runs lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw_state.run_root import agents_folder, hidden_folders, logs_folder, run_root, trees_folder


def test_a_project_without_a_folder_automation_keeps_runs_in_a_hidden_folder(tmp_path: Path) -> None:
    assert run_root(tmp_path) == tmp_path / ".adw"
    assert hidden_folders(tmp_path) == ["/.adw/"]
    assert [folder(tmp_path) for folder in (agents_folder, logs_folder, trees_folder)] == [
        tmp_path / ".adw" / name for name in ("agents", "logs", "trees")
    ]


def test_a_project_with_a_folder_automation_keeps_runs_there(tmp_path: Path) -> None:
    (tmp_path / "automation").mkdir()
    assert run_root(tmp_path) == tmp_path / "automation"
    assert hidden_folders(tmp_path) == ["/automation/agents/", "/automation/logs/", "/automation/trees/"]


def test_runs_stay_where_they_are_when_a_folder_automation_is_made_later(tmp_path: Path) -> None:
    (tmp_path / ".adw" / "agents").mkdir(parents=True)
    (tmp_path / "automation").mkdir()
    assert run_root(tmp_path) == tmp_path / ".adw"


def test_a_file_of_the_name_automation_is_no_folder_for_runs(tmp_path: Path) -> None:
    (tmp_path / "automation").write_text("")
    assert run_root(tmp_path) == tmp_path / ".adw"


@pytest.mark.parametrize(
    ("chosen", "hidden"),
    [
        ("work/runs", ["/work/runs/agents/", "/work/runs/logs/", "/work/runs/trees/"]),
        ("../runs", []),
        ("/runs", []),
        (".", ["/agents/", "/logs/", "/trees/"]),
    ],
)
def test_the_setting_run_folder_decides(tmp_path: Path, chosen: str, hidden: list[str]) -> None:
    (tmp_path / "automation").mkdir()
    (tmp_path / "adw.toml").write_text(f'run_folder = "{chosen}"\n')
    assert run_root(tmp_path) == (tmp_path / chosen).resolve()
    assert hidden_folders(tmp_path) == hidden
