"""Plan ISSUE: an agent writes a plan file, and it is committed.

    uv run python adws/adw_phases/adw_plan.py ISSUE [ADW_ID]

Begins an execution of the issue where there is none.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from adw_state.commands.run import phase_command

if __name__ == "__main__":
    run_command(
        phase_command("plan", "Plan ISSUE: an agent writes a plan file, and it is committed."), sys.argv[0]
    )
