"""kill -9 at every point of a run where something could be lost or done twice, then resume."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adw_state.workflow.progress import Event
from adws.tests.phases.processes import killed_run
from adws.tests.phases.projects import ALL_STEPS, Project
from adws.tests.processes import child

# phase, what has just happened, which step.
POINTS = [
    ("plan", "phase_started", None),
    ("plan", "step_saved", "worktree_ready"),
    ("plan", "agent_finished", None),
    ("plan", "step_saved", "plan_written"),
    ("plan", "commit_made", None),
    ("plan", "step_saved", "plan_committed"),
    ("plan", "phase_finished", None),
    ("build", "phase_started", None),
    ("build", "step_saved", "worktree_ready"),
    ("build", "agent_finished", None),
    ("build", "step_saved", "changes_made"),
    ("build", "commit_made", None),
    ("build", "step_saved", "build_committed"),
    ("build", "phase_finished", None),
    ("review", "phase_started", None),
    ("review", "step_saved", "worktree_ready"),
    ("review", "agent_finished", None),
    ("review", "step_saved", "review_written"),
    ("review", "step_saved", "verdict_given"),
    ("review", "phase_finished", None),
]


@pytest.mark.parametrize(("phase", "kind", "step"), POINTS)
def test_a_run_killed_at_any_point_ends_completed_with_nothing_done_twice(
    project: Project, phase: str, kind: str, step: str | None
) -> None:
    killed_run(project, lambda event: (event.phase, event.kind, event.step) == (phase, kind, step))
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
    assert project.steps("run-1") == ALL_STEPS
    ends = [(a.phase, a.status) for a in project.attempts("run-1")]
    assert [end for end in ends if end[1] == "completed"] == [
        ("plan", "completed"), ("build", "completed"), ("review", "completed")
    ]  # fmt: skip
    assert [end for end in ends if end[1] != "completed"] == (
        [] if kind == "phase_finished" else [(phase, "interrupted")]
    )


def test_the_cost_of_an_answer_is_counted_once_although_its_attempt_was_interrupted(project: Project) -> None:
    killed_run(project, lambda event: event.step == "changes_made")
    project.resume("run-1")
    costs = [(a.phase, a.attempt, a.status, a.cost_usd) for a in project.attempts("run-1")]
    assert costs == [
        ("plan", 1, "completed", 0.0421),
        ("build", 1, "interrupted", None),
        ("build", 2, "completed", 0.1873),
        ("review", 1, "completed", 0.0312),
    ]


def test_a_run_killed_again_and_again_still_does_each_step_once(project: Project) -> None:
    killed_run(project, lambda event: event.step == "plan_written")
    for step in ("plan_committed", "worktree_ready", "changes_made", "build_committed", "review_written"):

        def resume(here: Callable[[], None], step: str = step) -> None:
            def watch(event: Event) -> None:
                if (event.kind, event.step) == ("step_saved", step):
                    here()

            project.resume("run-1", progress=watch)

        with child(resume) as process:
            process.wait_until_it_is_there()
            process.kill()
    outcome = project.resume("run-1")
    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "review"]
    assert project.steps("run-1") == ALL_STEPS
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
