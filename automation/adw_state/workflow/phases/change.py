"""A phase of the kind change: an agent changes files, and they are committed as one commit."""

from __future__ import annotations

from adw_state.errors import PhaseFailedError
from adw_state.git.commits import StepCommit, commit_step
from adw_state.redaction import recordable, secret_values
from adw_state.store.json_values import JSON
from adw_state.workflow.phases.phase_advice import phase_command
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.steps import StepResult


def change(run: PhaseRun) -> None:
    """Have the files changed. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    _check_plan(run)
    run.ask_agent("changes_made", base, {})
    step = f"{run.phase}_committed"

    def commit() -> StepResult:
        made = commit_step(
            run.work.tree,
            base=base,
            execution_id=run.work.record.id,
            step=step,
            message=run.commit_message(),
        )
        run.reporter.tell("commit_made", made.commit)
        return _told(run, made)

    run.steps.step(step, commit)


def _check_plan(run: PhaseRun) -> None:
    planner = run.planner
    if planner is not None and not (run.work.tree.path / run.plan_file).is_file():
        raise PhaseFailedError(
            f"the plan {run.plan_file} is not on the branch {run.work.tree.branch}",
            hint=f"plan it again: {phase_command(planner, run.work.issue.id, run.work.record.id)}",
        )


def _told(run: PhaseRun, made: StepCommit) -> StepResult:
    """A commit as it is saved: the agent chose the names of its files."""
    secrets = secret_values(run.work.environ)
    left_out = {recordable(path, secrets): reason for path, reason in made.left_out.items()}
    for path, reason in left_out.items():
        run.reporter.warn(f"{path} is left out of the commit, because {reason}")
    return {
        "commit": made.commit,
        "files": list[JSON](recordable(path, secrets) for path in made.files),
        "files_changed": made.files_changed,
        "left_out": dict[str, JSON](left_out),
    }
