"""What an agent is told of the failures that its phase is done again for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adw_state.state import Attempt
from adw_state.workflow.next_place import is_against_earlier_work, newest_attempt, way_back
from adw_state.workflow_definitions import WorkflowDefinition


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
