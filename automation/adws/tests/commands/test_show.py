"""`adw show`: sessions, tokens and costs of a run, and how to resume its agent by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
from adws.tests.project import Project

NOW = "2026-11-23T12:00:00Z"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with run-1, whose agents used something."""
    made = Project(tmp_path / "shop")
    assert made.adw("init").code == 0
    with BeadsStateManager(made.database, clock=SettableClock(NOW)) as state:
        state.create_execution("bd-42", adw_id="run-1")
        state.update_execution_status("run-1", "in_progress", worktree_path="/p/trees/my shop")
        used: tuple[tuple[str, str, dict[str, Any]], ...] = (
            (
                "plan",
                "claude",
                {"session_id": "s-1", "input_tokens": 3, "cost_usd": 0.25, "cost_kind": "reported"},
            ),
            (
                "build",
                "codex",
                {"session_id": "s-2", "output_tokens": 7, "cost_usd": 0.5, "cost_kind": "estimated"},
            ),
            ("review", "codex", {"session_id": "s-3", "cost_kind": "unknown"}),
        )
        for phase, agent, use in used:
            attempt = state.start_attempt("run-1", phase, agent=agent)
            state.finish_attempt(attempt, "completed", **use)
    return made


def test_it_tells_session_tokens_and_the_kind_of_each_cost(project: Project) -> None:
    lines = project.adw("show", "run-1").out.splitlines()
    first = lines.index("Sessions, tokens and costs")
    assert [line.split() for line in lines[first + 2 : first + 5]] == [
        ["plan", "1", "s-1", "3", "-", "-", "-", "-", "0.25", "reported"],
        ["build", "1", "s-2", "-", "-", "-", "7", "-", "0.5", "estimated"],
        ["review", "1", "s-3", "-", "-", "-", "-", "-", "-", "unknown"],
    ]


def test_costs_of_different_kinds_are_never_one_sum(project: Project) -> None:
    assert (
        "Costs: 0.2500 $ reported, 0.5000 $ estimated, unknown for 1 attempt"
        in project.adw("show", "run-1").out.splitlines()
    )


def test_it_tells_how_the_newest_session_is_resumed_by_hand(project: Project) -> None:
    last = project.adw("show", "run-1").out.splitlines()[-1]
    assert last == "To resume the newest session by hand: cd '/p/trees/my shop' && codex resume s-3"


def test_of_agents_that_said_nothing_there_is_no_table(tmp_path: Path) -> None:
    made = Project(tmp_path / "shop")
    made.adw("init")
    with BeadsStateManager(made.database) as state:
        state.create_execution("bd-42", adw_id="run-1")
    assert "Sessions" not in made.adw("show", "run-1").out
