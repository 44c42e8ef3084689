"""A phase of the kind plan: an agent writes one file, and the file is committed."""

from __future__ import annotations

from adw_state.git.commits import commit_step
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.steps import StepResult


def plan(run: PhaseRun) -> None:
    """Have the plan written. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    run.ask_agent(f"{run.phase}_written", base, {})
    step = f"{run.phase}_committed"

    def commit() -> StepResult:
        made = commit_step(
            run.work.tree,
            base=base,
            execution_id=run.work.record.id,
            step=step,
            message=run.commit_message(),
            only=run.plan_file,
        )
        run.reporter.tell("commit_made", made.commit)
        return {"plan_file": run.plan_file, "commit": made.commit}

    run.steps.step(step, commit)
    run.work.record.change("in_progress", plan_file=run.plan_file)
