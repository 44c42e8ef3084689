"""The workflow that `docs/workflows.md` shows is what it says."""

from __future__ import annotations

from pathlib import Path

from adw_state.configuration.definitions import KINDS, PhaseDefinition
from adw_state.configuration.labels import LabelSettings
from adw_state.configuration.prompts import PLACEHOLDERS
from adw_state.configuration.settings import Config, load_config
from adw_state.configuration.workflows import PHASE_KEYS, find_workflow
from adw_state.configuration.worktrees import WorktreeSettings
from adws.tests.docs.pages import REPOSITORY, blocks
from adws.tests.project import Project

PAGE = REPOSITORY / "docs" / "workflows.md"


def examples() -> tuple[str, str, str]:
    """The configurations on the page: of a workflow, of agents, and of the worktree."""
    workflow, agents, worktree = [block.text for block in blocks("toml") if block.page == PAGE]
    return workflow, agents, worktree


def test_the_workflow_on_the_page_is_right_and_runs(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    assert project.adw("init").code == 0
    (project.folder / "prompts").mkdir()
    (project.folder / "prompts" / "document.md").write_text("Document the change.\n")
    # Once, so that the tests fail until the build has been done twice.
    recipe = "@test $$(wc -l < CHANGES.md) -gt 3 || (echo FAILED; false)"
    (project.folder / "Makefile").write_text(f"test:\n\t{recipe}\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Tests")
    (project.folder / "adw.toml").write_text(f'agent = "scripted"\n{examples()[0]}')
    checked = project.adw("config", "check")
    assert (checked.code, checked.err) == (0, "")
    told = "thorough (default): plan, build, test (back to build, at most 3 times), review, document"
    assert told in checked.out.splitlines()
    ran = project.adw("run", "bd-42", "--allow-dirty", "--json")

    assert (ran.code, ran.json["status"]) == (0, "completed"), ran.err
    shown = project.adw("show", ran.json["execution"]["id"], "--json").json
    made = sorted((one["place"], one["attempt"], one["phase"], one["status"]) for one in shown["attempts"])
    assert [(phase, status) for _, _, phase, status in made] == [
        ("plan", "completed"),
        ("build", "completed"),
        ("build", "completed"),
        ("test", "failed"),
        ("test", "completed"),
        ("review", "completed"),
        ("document", "completed"),
    ]


def test_the_agents_on_the_page_are_right(tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_text(examples()[1])
    assert find_workflow(tmp_path, "adw_sdlc").phases == (
        PhaseDefinition("plan", "plan"),
        PhaseDefinition("build", "change"),
        PhaseDefinition("review", "verdict", agent="codex", model="gpt-5.5"),
    )
    assert load_config(tmp_path, {}) == Config(
        agent="claude",
        labels=(LabelSettings("hard", None, "opus"), LabelSettings("needs care", "gemini", None)),
    )


def test_the_worktree_on_the_page_is_right(tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_text(examples()[2])
    assert load_config(tmp_path, {}).worktree == WorktreeSettings(
        (".env",), ("uv sync", "npm ci"), ("docker compose down",), 900.0
    )


def test_the_page_names_every_kind_key_and_placeholder() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"| {kind} |" not in page] == []
    assert [key for key in PHASE_KEYS if key not in page] == []
    assert [name for names in PLACEHOLDERS.values() for name in names if f"`${name}`" not in page] == []
