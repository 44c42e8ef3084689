"""The state of runs, as phases import it: the JSON state, the database, and three questions about it."""

from __future__ import annotations

from adw_state import (
    ADWState,
    BeadsStateManager,
    get_failure_distribution,
    get_phase_funnel,
    get_success_rate_by_issue_type,
)
from adw_state.state import Attempt, Checkpoint, Execution, IssueSnapshot, PageStart, StaleCheckpoint, Summary

__all__ = [
    "ADWState",
    "Attempt",
    "BeadsStateManager",
    "Checkpoint",
    "Execution",
    "IssueSnapshot",
    "PageStart",
    "StaleCheckpoint",
    "Summary",
    "get_failure_distribution",
    "get_phase_funnel",
    "get_success_rate_by_issue_type",
]
