"""The command that does one phase, as messages name it."""

from __future__ import annotations

import shlex


def phase_command(phase: str, issue_id: str, execution_id: str) -> str:
    """The command that does `phase` of an execution, in backquotes."""
    # An issue's id may begin with a dash.
    return f"`{shlex.join(['adw', 'phase', phase, '--', issue_id, execution_id])}`"
