"""Phases of the kinds plan and change: an agent writes one file, or changes files; they are committed."""

from __future__ import annotations

from adw_state.errors import PhaseFailedError
from adw_state.git.commits import commit_message, commit_step
from adw_state.redaction import recordable
from adw_state.store.json_values import JSON
from adw_state.workflow.phases.phase_run import PhaseRun, StepResult, phase_command


def plan(run: PhaseRun) -> None:
    """Have the plan written. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    run.ask_agent(f"{run.phase}_written", base, {})
    _commit(run, base, only=run.plan_file)
    run.work.record.change("in_progress", plan_file=run.plan_file)


def change(run: PhaseRun) -> None:
    """Have the files changed. Raises `AdwError` when it did not work out."""
    base = run.prepare()
    _check_plan(run)
    run.ask_agent("changes_made", base, {})
    _commit(run, base)


def _commit(run: PhaseRun, base: str, only: str | None = None) -> None:
    """The step that commits what the agent did, or `only` this path."""
    step = f"{run.phase}_committed"
    verb = run.phase.replace("-", " ").replace("_", " ").capitalize()

    def commit() -> StepResult:
        made = commit_step(
            run.work.tree,
            base=base,
            execution_id=run.work.record.id,
            step=step,
            message=commit_message(verb, run.work.issue),
            only=only,
        )
        run.reporter.tell("commit_made", made.commit)
        # The agent chose the names of its files.
        secrets = run.work.secrets
        left_out = {recordable(path, secrets): reason for path, reason in made.left_out.items()}
        for path, reason in left_out.items():
            run.reporter.warn(f"{path} is left out of the commit, because {reason}")
        return {
            "commit": made.commit,
            "files": list[JSON](recordable(path, secrets) for path in made.files),
            "files_changed": made.files_changed,
            "left_out": dict[str, JSON](left_out),
        }

    run.step(step, commit)


def _check_plan(run: PhaseRun) -> None:
    planner = run.planner
    if planner is not None and not (run.work.tree.path / run.plan_file).is_file():
        raise PhaseFailedError(
            f"the plan {run.plan_file} is not on the branch {run.work.tree.branch}",
            hint=f"plan it again: {phase_command(planner, run.work.issue.id, run.work.record.id)}",
        )
