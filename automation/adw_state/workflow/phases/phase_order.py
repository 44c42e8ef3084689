"""Which phases of an execution are still to be done."""

from __future__ import annotations

from collections.abc import Sequence

from adw_state.built_in import PHASES
from adw_state.command_lines import command_on
from adw_state.errors import InvalidInputError
from adw_state.state import Attempt, Execution


def phases_left(execution: Execution, attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """The phases that a resumed run does: from the present one, or the next if that has completed."""
    present = PHASES.index(execution.phase)
    return PHASES[present + 1 if _completed(attempts, execution.phase) else present :]


def phase_wanted(execution: Execution, attempts: Sequence[Attempt], phase: str) -> tuple[str, ...]:
    """`phase` alone, or nothing where it has completed and nothing failed since.

    Raises `InvalidInputError` when the phase before it has not completed.
    """
    before = PHASES[: PHASES.index(phase)][-1:]
    if before and not _completed(attempts, before[0]):
        raise InvalidInputError(
            f"execution {execution.id} cannot {phase} yet, because its {before[0]} phase has not completed",
            hint=f"`{command_on('adw resume', execution.id)}` does all that is left",
        )
    done = _completed(attempts, phase) and execution.status != "failed"
    return () if done else (phase,)


def _completed(attempts: Sequence[Attempt], phase: str) -> bool:
    """Whether the newest attempt at a phase completed."""
    newest = max((old for old in attempts if old.phase == phase), key=lambda old: old.attempt, default=None)
    return newest is not None and newest.status == "completed"
