"""Which phase of a run is next: decided from its workflow's definition and its attempts, and nothing else.

So a run that was killed between two attempts goes on as it would have without that. The newest attempt is the
newest one at the execution's phase, which is set as an attempt begins; clocks have no say.

A phase that judges may fail in a way that sends the run back to an earlier one, `at_most` so many times in a
row. The failure after those fails the run; whoever resumes it lets it go round again as often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adw_state.configuration.definitions import PhaseDefinition, WorkflowDefinition
from adw_state.errors import InvalidInputError, command_on
from adw_state.state import Attempt, Execution

# These failures say that an earlier phase has to be done again. After others, the same phase is.
_AGAINST_EARLIER_WORK = ("rejected", "check_failed")


def next_phase(
    workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]
) -> PhaseDefinition | None:
    """The phase to do next in a run whose present one is `phase`; None where all have completed."""
    place = workflow.names.index(phase)
    newest = newest_attempt(attempts, phase)
    if newest is not None and newest.status == "completed":
        place += 1
    elif newest is not None and is_against_earlier_work(newest):
        place = workflow.names.index(way_back(workflow, phase) or phase)
    return workflow.phases[place] if place < len(workflow.phases) else None


def goes_back(workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]) -> bool:
    """Whether the run goes back by itself after the newest attempt at `phase`, which failed."""
    definition = workflow.phase(phase)
    newest = newest_attempt(attempts, phase)
    if newest is None or not is_against_earlier_work(newest) or definition.at_most is None:
        return False
    failures = [old for old in attempts if old.phase == phase and is_against_earlier_work(old)]
    return len(failures) % (definition.at_most + 1) != 0


def wants_phase(
    workflow: WorkflowDefinition, execution: Execution, attempts: Sequence[Attempt], name: str
) -> bool:
    """Whether the phase `name` alone is to be done: not where it has completed and nothing failed since.

    Raises `InvalidInputError` for a phase that the workflow does not have, and when one before it has to be
    done first.
    """
    names = workflow.names
    if name not in names:
        raise InvalidInputError(
            f"execution {execution.id} has no phase {name!r}", hint=f"its phases are {', '.join(names)}"
        )
    following = next_phase(workflow, execution.phase, attempts)
    place, reached = names.index(name), names.index(execution.phase)
    due = len(names) if following is None else names.index(following.name)
    if place > max(due, reached):
        raise InvalidInputError(
            f"execution {execution.id} cannot {name} yet, because its {names[due]} phase has not completed",
            hint=f"`{command_on('adw resume', execution.id)}` does all that is left",
        )
    return place >= due or execution.status == "failed"


def way_back(workflow: WorkflowDefinition, phase: str) -> str | None:
    """The phase that is done again where `phase` finds fault with what was done.

    For a verdict that names none, that is the nearest one before it whose agent changes files. A command that
    names none is only run again.
    """
    definition = workflow.phase(phase)
    if definition.sends_back_to is not None or definition.kind != "verdict":
        return definition.sends_back_to
    nearest = {earlier.kind: earlier.name for earlier in workflow.phases_before(phase)}
    return nearest.get("change") or nearest.get("plan")


def is_against_earlier_work(attempt: Attempt) -> bool:
    """Whether an attempt failed because of what an earlier phase did."""
    return attempt.status == "failed" and attempt.error_class in _AGAINST_EARLIER_WORK


def newest_attempt(attempts: Sequence[Attempt], phase: str) -> Attempt | None:
    """The newest attempt at a phase; None where there is none."""
    return max((old for old in attempts if old.phase == phase), key=lambda old: old.attempt, default=None)


def feedback_for(workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]) -> str:
    """What has gone wrong and is not made good yet, as sections of a prompt; empty where nothing is.

    That is the phase's own last attempt, and those of later phases that send the run back to it.
    """
    failures = _open_failures(workflow, phase, attempts)
    return "".join(
        f"\nAn earlier attempt at {old.phase} failed, for this reason:\n\n{_quoted(old.error_message)}\n"
        for old in failures
    )


def _open_failures(
    workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]
) -> Iterator[Attempt]:
    ended = [old for old in attempts if old.status in ("completed", "failed")]
    own = newest_attempt(ended, phase)
    if own is not None and own.status == "failed":
        yield own
    for later in workflow.names[workflow.names.index(phase) + 1 :]:
        newest = newest_attempt(ended, later)
        if newest is not None and is_against_earlier_work(newest) and way_back(workflow, later) == phase:
            yield newest


def _quoted(message: str | None) -> str:
    return "\n".join(f"> {line}".rstrip() for line in (message or "it left no message").strip().splitlines())
