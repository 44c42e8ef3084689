"""Build ISSUE as planned: an agent changes the files, and they are committed as one commit.

    uv run python adws/adw_phases/adw_build.py ISSUE [ADW_ID]

Goes on from a completed plan, or builds again after a review that rejected.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from adw_state.commands.run import phase_command

if __name__ == "__main__":
    run_command(
        phase_command(
            "build",
            "Build ISSUE as planned: an agent changes the files, and they are committed as one commit.",
        ),
        sys.argv[0],
    )
