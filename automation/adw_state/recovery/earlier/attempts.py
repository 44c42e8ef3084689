"""Which attempts are known of an execution whose phase was overwritten as it went on.

An attempt is derived only where both are known: how it ended, and a moment at which it was at work.
That is so for a run that never left plan, which began with it, and for a phase that saved a checkpoint.
How long an attempt took is known only where the run's own start and end are its start and end.
"""

from __future__ import annotations

from collections.abc import Sequence

from adw_state.built_in import PHASES
from adw_state.clock import parse_time
from adw_state.recovery.earlier.conversion import Converted, Values

_END_OF_OWN_PHASE = {"in_progress": "in_progress", "completed": "completed", "failed": "failed"}


def known_attempts(converted: Converted) -> list[Values]:
    """The attempts that the execution's row and its checkpoints show, one at most per phase."""
    own = converted.execution["phase"]
    if own not in PHASES:
        return []
    reached = PHASES[: PHASES.index(str(own)) + 1]
    found = (_attempt(phase, converted, is_own=phase == own) for phase in reached)
    return [attempt for attempt in found if attempt]


def _attempt(phase: str, converted: Converted, *, is_own: bool) -> Values | None:
    execution = converted.execution
    points = (point for point in converted.checkpoints if point["phase"] == phase)
    signs = [str(point["created_at"]) for point in points if point["created_at"] is not None]
    began_the_run = phase == PHASES[0] and converted.start_is_known
    if not (signs or (began_the_run and is_own)):
        return None
    # Whoever went on to a later phase had completed this one.
    status = _END_OF_OWN_PHASE.get(str(execution["status"])) if is_own else "completed"
    if status is None:
        return None
    started = str(execution["started_at"]) if began_the_run else min(signs)
    finished = _finished(execution, signs, started, is_own=is_own)
    whole = began_the_run and is_own and status != "in_progress" and converted.end_is_known
    return {
        "execution_id": execution["id"],
        "phase": phase,
        "place": PHASES.index(phase) + 1,
        "status": status,
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": _seconds(started, str(finished)) if whole else None,
        "error_message": execution["error_message"] if status == "failed" else None,
    }


def _finished(execution: Values, signs: Sequence[str], started: str, *, is_own: bool) -> str | None:
    if is_own:
        ended = execution["completed_at"]
        return None if ended is None else max(str(ended), started)
    return max([started, *signs])


def _seconds(started: str, finished: str) -> float:
    return (parse_time(finished) - parse_time(started)).total_seconds()
