"""The script of one phase, as a command that can be run from anywhere."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[3] / "adw_phases"


def phase_script(phase: str, issue_id: str, execution_id: str) -> str:
    """The command that does `phase` of an execution, in backquotes.

    The script is named by its file: a project may have a package called `adws` of its own, which
    `python -m` would find first.
    """
    script = _FOLDER / f"adw_{phase}.py"
    # An issue's id may begin with a dash.
    return f"`{shlex.join([sys.executable, str(script), '--', issue_id, execution_id])}`"
