"""The state of coding-agent workflows beside a beads tracker; these names are what other programs may use.

    from adw_state import BeadsStateManager

Every other module may change. A name is imported when it is first asked for, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adw_state.errors import (
        AdwError,
        DatabaseError,
        ExecutionNotFoundError,
        IllegalTransitionError,
        IssueClaimedError,
        OwnershipLostError,
    )
    from adw_state.json_state import ADWState
    from adw_state.reports.report import (
        get_failure_distribution,
        get_phase_funnel,
        get_success_rate_by_issue_type,
    )
    from adw_state.state import BeadsStateManager
    from adw_state.steps.opened import open_state
    from adw_state.store.records import Attempt, Checkpoint, Execution

__all__ = [
    "ADWState",
    "AdwError",
    "Attempt",
    "BeadsStateManager",
    "Checkpoint",
    "DatabaseError",
    "Execution",
    "ExecutionNotFoundError",
    "IllegalTransitionError",
    "IssueClaimedError",
    "OwnershipLostError",
    "get_failure_distribution",
    "get_phase_funnel",
    "get_success_rate_by_issue_type",
    "open_state",
]

_HOMES = {
    "ADWState": "json_state",
    "AdwError": "errors",
    "Attempt": "store.records",
    "BeadsStateManager": "state",
    "Checkpoint": "store.records",
    "DatabaseError": "errors",
    "Execution": "store.records",
    "ExecutionNotFoundError": "errors",
    "IllegalTransitionError": "errors",
    "IssueClaimedError": "errors",
    "OwnershipLostError": "errors",
    "get_failure_distribution": "reports.report",
    "get_phase_funnel": "reports.report",
    "get_success_rate_by_issue_type": "reports.report",
    "open_state": "steps.opened",
}


if not TYPE_CHECKING:  # with it, a type checker would take any name for a public one

    def __getattr__(name: str) -> object:
        """The public name, imported now."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """The public names, whether they are imported yet or not."""
    return sorted({*globals(), *__all__})
