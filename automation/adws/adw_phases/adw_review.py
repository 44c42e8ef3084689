"""Review what was built for ISSUE: an agent gives a verdict, which is stored.

    uv run python adws/adw_phases/adw_review.py ISSUE [ADW_ID]

An approved review completes the execution; a rejected one fails it.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from adw_state.commands.run import phase_command

if __name__ == "__main__":
    run_command(
        phase_command(
            "review", "Review what was built for ISSUE: an agent gives a verdict, which is stored."
        ),
        sys.argv[0],
    )
