"""The build phase: an agent does what the plan says, and its changes are committed as one commit."""

from __future__ import annotations

from adw_state.errors import PhaseFailedError
from adw_state.redaction import recordable, secret_values
from adw_state.store.json_values import JSON
from adw_state.workflow.git.commits import commit_step
from adw_state.workflow.git.messages import commit_message
from adw_state.workflow.phases.phase_advice import phase_command
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.steps import StepResult


def build(run: PhaseRun) -> None:
    """Build what was planned. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    if not (run.tree.path / run.plan_file).is_file():
        raise PhaseFailedError(
            f"the plan {run.plan_file} is not on the branch {run.tree.branch}",
            hint=f"plan it again: {phase_command('plan', run.issue.id, run.record.id)}",
        )
    run.ask_agent("changes_made", base, {})

    def commit() -> StepResult:
        made = commit_step(
            run.tree,
            base=base,
            execution_id=run.record.id,
            step="build_committed",
            message=commit_message("Build", run.issue),
        )
        run.reporter.tell("commit_made", made.commit)
        # The agent chose the names of its files.
        secrets = secret_values(run.environ)
        files = [recordable(path, secrets) for path in made.files]
        left_out = {recordable(path, secrets): reason for path, reason in made.left_out.items()}
        for path, reason in left_out.items():
            run.reporter.warn(f"{path} is left out of the commit, because {reason}")
        return {
            "commit": made.commit,
            "files": list[JSON](files),
            "files_changed": made.files_changed,
            "left_out": dict[str, JSON](left_out),
        }

    run.steps.step("build_committed", commit)
