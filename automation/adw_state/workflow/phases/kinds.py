"""The kinds of phases, and the function that does each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adw_state.workflow.phases.change import change
from adw_state.workflow.phases.command import command
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.plan import plan
from adw_state.workflow.phases.verdict import verdict

KINDS: Mapping[str, Callable[[PhaseRun], None]] = {
    "plan": plan,
    "change": change,
    "verdict": verdict,
    "command": command,
}
