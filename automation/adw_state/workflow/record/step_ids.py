"""The op_id of a step: the same for the same step of the same attempt, wherever it is saved from."""

from __future__ import annotations

from adw_state.store import ids
from adw_state.workflow.record.json_run import SavedStep


def step_op_id(execution_id: str, step: SavedStep) -> str:
    """32 hex digits that stand for this step of this attempt, so that a repeated save is recognised."""
    return ids.step_op_id(execution_id, step.phase, step.attempt, step.name)
