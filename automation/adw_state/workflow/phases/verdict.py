"""A phase of the kind verdict: an agent judges what was done; its verdict is stored with its reasons."""

from __future__ import annotations

from adw_state.configuration.prompts import read_built_in
from adw_state.errors import AgentOutputError, PhaseFailedError, RejectedError
from adw_state.git.commits import diff_between
from adw_state.redaction import recordable
from adw_state.store.json_values import JSON
from adw_state.workflow.next_phase import way_back
from adw_state.workflow.phases.phase_run import PhaseRun, StepResult, phase_command
from adw_state.workflow.phases.verdict_text import HOW_TO_SAY_IT, read_verdict

# More of a change than this is not put into the prompt; the agent can read it in the worktree.
_MOST_DIFF = 100_000
_APPROVE, _REJECT, _UNCLEAR = "approve", "reject", "unclear"
# So many reasons are stored, each of so many characters; all of them are in the output file.
_MOST_REASONS, _MOST_REASON = 200, 5000


def verdict(run: PhaseRun) -> None:
    """Have what was done judged. Raises `RejectedError` with the reasons when it is rejected."""
    base = run.prepare()
    started_at = run.work.record.execution.base_commit or base
    diff = diff_between(run.work.tree, started_at, base)
    if not diff:
        raise PhaseFailedError(
            f"there is nothing to {run.phase} on the branch {run.work.tree.branch}", hint=_first(run)
        )
    note = "" if len(diff) <= _MOST_DIFF else f", its first {_MOST_DIFF:,} characters; read the rest with git"
    answer = run.ask_agent(
        f"{run.phase}_written",
        base,
        {
            "base": started_at,
            "diff": diff[:_MOST_DIFF],
            "diff_note": note,
            "verdict_format": read_built_in("verdict_format").strip(),
        },
        lambda said: _understood(said, run.work.secrets),
    )

    def decide() -> StepResult:
        # First, so that the next attempt does not find them either.
        run.take_back_changes(base, f"{run.phase}-changes", "agent")
        given, reasons = answer.get("verdict"), _texts(answer.get("reasons"))
        if given not in (_APPROVE, _REJECT):
            why = reasons[0] if reasons else "the review cannot be understood: its verdict was not saved"
            raise AgentOutputError(why, hint=HOW_TO_SAY_IT)
        return {"verdict": given, "reasons": list[JSON](reasons)}

    decision = run.step("verdict_given", decide)
    if decision["verdict"] != _APPROVE:
        back = way_back(run.work.workflow, run.phase)
        raise RejectedError(
            f"the {run.phase} rejected the change: "
            + ("; ".join(_texts(decision["reasons"])) or "no reason given"),
            hint=f"resume: {back} is done again with these reasons, then all that follows it"
            if back
            else None,
        )


def _first(run: PhaseRun) -> str | None:
    back = way_back(run.work.workflow, run.phase)
    return f"do this first: {phase_command(back, run.work.issue.id, run.work.record.id)}" if back else None


def _understood(answer: str, secrets: tuple[str, ...]) -> StepResult:
    """The verdict of an answer and its reasons as they are stored; or that it is unclear, and why."""
    try:
        said = read_verdict(answer)
    except AgentOutputError as error:
        return {"verdict": _UNCLEAR, "reasons": [recordable(str(error), secrets)]}
    reasons = [recordable(reason, secrets)[:_MOST_REASON] for reason in said.reasons[:_MOST_REASONS]]
    return {"verdict": _APPROVE if said.approved else _REJECT, "reasons": list[JSON](reasons)}


def _texts(saved: JSON) -> list[str]:
    return [str(text) for text in saved] if isinstance(saved, list) else []
