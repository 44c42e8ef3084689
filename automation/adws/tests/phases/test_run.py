"""A run from start to end, and what it leaves in git, in both stores and in the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adw_state.errors import DuplicateExecutionError, InvalidInputError, IssueClaimedError
from adws.tests.phases.projects import ALL_STEPS, Project, git


def test_a_run_takes_an_issue_through_all_phases(project: Project) -> None:
    run = project.run("demo-2").execution
    assert (run.status, run.phase, run.claimed, run.plan_file) == (
        "completed",
        "review",
        False,
        "specs/demo-2-plan.md",
    )
    assert (run.issue_title, run.issue_type, run.issue_priority) == ("Export as CSV", "feature", 1)
    assert project.steps(run.id) == ALL_STEPS
    assert project.calls() == ["plan", "build", "review"]
    assert project.commits(run) == ["plan_committed", "build_committed"]


def test_every_phase_is_an_attempt_with_what_its_agent_used(project: Project) -> None:
    run = project.run("demo-2").execution
    found = [
        (
            a.phase,
            a.attempt,
            a.status,
            a.agent,
            a.model,
            a.input_tokens,
            a.output_tokens,
            a.cost_usd,
            a.exit_code,
        )
        for a in project.attempts(run.id)
    ]
    assert found == [
        ("plan", 1, "completed", "scripted", "scripted-1", 5200, 640, 0.0421, 0),
        ("build", 1, "completed", "scripted", "scripted-1", 18400, 2210, 0.1873, 0),
        ("review", 1, "completed", "scripted", "scripted-1", 7300, 280, 0.0312, 0),
    ]


def test_the_main_work_tree_is_left_as_it_was(project: Project) -> None:
    before = project.git("rev-parse", "HEAD")
    project.run("demo-2")
    assert project.git("status", "--porcelain") == ""
    assert project.git("rev-parse", "HEAD") == before
    assert (project.path / ".gitignore").read_text() == "*.tmp\n.beads/*.db*\n"


def test_each_commit_holds_what_its_step_made(project: Project) -> None:
    run = project.run("demo-2").execution
    name = str(run.worktree_name).replace("-", "_")
    shown = project.git("log", "--reverse", "--format=%s", "--name-only", f"main..{run.branch_name}")
    assert shown.split("\n") == [
        "Plan demo-2: Export as CSV", "", "specs/demo-2-plan.md",
        "Build demo-2: Export as CSV", "", "CHANGES.md", f"src/{name}.py", "",
    ]  # fmt: skip


def test_the_log_has_the_known_format(project: Project) -> None:
    run = project.run("demo-1").execution
    records = [line.partition(" - ")[2] for line in project.log_text(run).splitlines()]
    assert records == [
        f"INFO - ADW Logger initialized - ID: {run.id}",
        "INFO - Starting ADW workflow for issue #demo-1",
        "INFO - Phases of ADW workflow adw_sdlc: plan, build, review",
        "INFO - Issue #demo-1: type=bug priority=0 title=Login fails on Safari",
        "INFO - Running adw_phases/adw_plan.py",
        "INFO - Step worktree_ready saved",
        "INFO - Step plan_written saved",
        "INFO - Step plan_committed saved",
        "INFO - Plan phase completed successfully",
        "INFO - Running adw_phases/adw_build.py",
        "INFO - Step worktree_ready saved",
        "INFO - Step changes_made saved",
        "INFO - Step build_committed saved",
        "INFO - Build phase completed successfully",
        "INFO - Running adw_phases/adw_review.py",
        "INFO - Step worktree_ready saved",
        "INFO - Step review_written saved",
        "INFO - Step verdict_given saved",
        "INFO - Review phase completed successfully",
        "INFO - ADW workflow completed for issue #demo-1",
    ]


def test_the_json_state_says_the_same_as_the_database(project: Project) -> None:
    run = project.run("demo-1").execution
    folder = project.path / ".adw" / "agents" / run.id
    state = json.loads((folder / "adw_state.json").read_text())
    assert (state["adw_id"], state["issue_number"], state["issue_class"]) == (run.id, "demo-1", "bug")
    assert (state["status"], state["completed_phases"]) == ("completed", ["plan", "build", "review"])
    assert (state["branch_name"], state["plan_file"]) == (run.branch_name, run.plan_file)
    results = [
        (r["phase"], r["attempt"], r["status"], r["success"], r["cost_usd"]) for r in state["phase_results"]
    ]
    assert results == [
        ("plan", 1, "completed", True, 0.0421),
        ("build", 1, "completed", True, 0.1873),
        ("review", 1, "completed", True, 0.0312),
    ]
    saved = json.loads((folder / "build" / "checkpoints.json").read_text())["checkpoints"]
    assert [entry["step"] for entry in saved] == ["worktree_ready", "changes_made", "build_committed"]


def test_the_issue_that_a_run_holds_is_refused_to_another_and_the_refusal_leaves_nothing(
    project: Project,
) -> None:
    first = project.run("demo-1", last_phase="plan").execution
    with pytest.raises(IssueClaimedError, match=f"^issue demo-1 is being worked on by execution {first.id}$"):
        project.run("demo-1")
    assert [run.id for run in project.executions()] == [first.id]
    assert [entry.name for entry in (project.path / ".adw" / "agents").iterdir()] == [first.id]
    assert project.calls() == ["plan"]


def test_a_second_run_on_an_issue_can_be_forced(project: Project) -> None:
    first = project.run("demo-1", last_phase="plan").execution
    second = project.run("demo-1", force=True).execution
    assert (first.claimed, second.claimed, second.status) == (True, False, "completed")
    assert second.branch_name != first.branch_name


def test_a_finished_run_frees_its_issue(project: Project) -> None:
    project.run("demo-1", "--fail", "plan:no idea")
    assert project.run("demo-1").status == "completed"


def test_an_id_that_is_taken_is_refused(project: Project) -> None:
    project.run("demo-1", adw_id="r1")
    with pytest.raises(DuplicateExecutionError, match=r"^there is a run with the id 'r1' already$"):
        project.run("demo-2", adw_id="r1")
    assert project.calls() == ["plan", "build", "review"]


@pytest.mark.parametrize(
    "adw_id", ["--skip-e2e", "a plan + 'quotes' \"two\"", "ADW-PARALLEL001", "é$(x);`y`", "a" * 199]
)
def test_any_printable_id_works(project: Project, adw_id: str) -> None:
    run = project.run("demo-1", adw_id=adw_id).execution
    assert (run.id, run.status) == (adw_id, "completed")
    assert project.commits(run) == ["plan_committed", "build_committed"]


@pytest.mark.parametrize("adw_id", ["../up", "a/b", "..", "a\nb", " ", "a" * 201])
def test_an_id_that_cannot_name_a_folder_is_refused_before_anything_is_made(
    project: Project, adw_id: str
) -> None:
    with pytest.raises(InvalidInputError):
        project.run("demo-1", adw_id=adw_id)
    assert project.executions() == []
    assert not (project.path / ".adw").exists()


def test_runs_of_different_issues_work_side_by_side(project: Project) -> None:
    runs = [project.run(f"demo-{number}").execution for number in (1, 2, 3)]
    assert len({run.worktree_path for run in runs}) == 3
    assert [project.commits(run) for run in runs] == [["plan_committed", "build_committed"]] * 3


def test_a_run_made_from_a_linked_worktree_belongs_to_the_main_one(project: Project, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(project.path, "worktree", "add", "--quiet", str(linked))
    settings = project.settings()
    project.path, main = linked, project.path
    run = project.run("demo-1").execution
    assert settings.location.project == main
    assert Path(str(run.worktree_path)).parent == main / ".adw" / "trees"
    assert not (linked / ".adw").exists()


def test_a_run_can_pause_after_a_step(project: Project) -> None:
    paused = project.run("demo-1", pause_after="changes_made")
    assert (paused.status, paused.exit_code, paused.execution.claimed) == ("in_progress", 0, True)
    assert [a.status for a in project.attempts(paused.execution.id)] == ["completed", "interrupted"]
    resumed = project.resume(paused.execution.id)
    assert resumed.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.commits(resumed.execution) == ["plan_committed", "build_committed"]


def test_a_resumed_run_uses_the_agent_it_began_with(project: Project) -> None:
    run = project.run("demo-1", last_phase="plan").execution
    assert project.resume(run.id, agent=None).status == "completed"
    assert [a.agent for a in project.attempts(run.id)] == ["scripted"] * 3
