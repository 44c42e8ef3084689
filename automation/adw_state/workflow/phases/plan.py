"""The plan phase: an agent writes a plan file, and the file is committed."""

from __future__ import annotations

from adw_state.workflow.git.commits import commit_step
from adw_state.workflow.git.messages import commit_message
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.steps import StepResult


def plan(run: PhaseRun) -> None:
    """Plan the issue. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    run.ask_agent("plan_written", base, {})

    def commit() -> StepResult:
        made = commit_step(
            run.tree,
            base=base,
            execution_id=run.record.id,
            step="plan_committed",
            message=commit_message("Plan", run.issue),
            only=run.plan_file,
        )
        run.reporter.tell("commit_made", made.commit)
        return {"plan_file": run.plan_file, "commit": made.commit}

    run.steps.step("plan_committed", commit)
    run.record.change("in_progress", plan_file=run.plan_file)
