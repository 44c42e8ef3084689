"""The review phase: an agent reads the change and gives a verdict, which is stored with its reasons."""

from __future__ import annotations

from adws.adw_modules.errors import PhaseFailedError
from adws.adw_modules.workflow.git.leftovers import set_aside_leftovers
from adws.adw_modules.workflow.git.patches import diff_between
from adws.adw_modules.workflow.phases.phase_run import PhaseRun
from adws.adw_modules.workflow.phases.steps import StepResult
from adws.adw_modules.workflow.phases.verdict import read_verdict

# More of a change than this is not put into the prompt; the agent can read it in the worktree.
_MOST_DIFF = 100_000


def review(run: PhaseRun) -> None:
    """Review what was built. Raises `PhaseFailedError` with the reasons when it is rejected."""
    base = run.prepare()
    started_at = run.base_of_run()
    diff = diff_between(run.tree, started_at, base)
    if not diff:
        raise PhaseFailedError(
            f"there is nothing to review on the branch {run.tree.branch}",
            hint=f"build it first: adw_build.py {run.issue.id} {run.record.id}",
        )
    note = "" if len(diff) <= _MOST_DIFF else f", its first {_MOST_DIFF:,} characters; read the rest with git"
    answer = run.ask_agent(
        "review_written", base, {"base": started_at, "diff": diff[:_MOST_DIFF], "diff_note": note}
    )

    def decide() -> StepResult:
        verdict = read_verdict(answer.text)
        kept = set_aside_leftovers(run.tree, base, run.folder.path, "review-changes")
        if kept.places:
            run.reporter.say(
                f"what the reviewer changed in the files was taken back and kept in {kept.places}"
            )
        return {"verdict": "approve" if verdict.approved else "reject", "reasons": list(verdict.reasons)}

    decision = run.steps.step("verdict_given", decide)
    if decision["verdict"] != "approve":
        reasons = decision["reasons"] if isinstance(decision["reasons"], list) else []
        raise PhaseFailedError(
            "the review rejected the change: "
            + ("; ".join(str(reason) for reason in reasons) or "no reason given"),
            hint=f"build it again with these reasons: adw_build.py {run.issue.id} {run.record.id}",
        )
