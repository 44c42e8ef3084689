"""Report how executions went, from logs and JSON states (the default) or from the database.

    uv run python adws/scripts/analyze_logs.py --hours 24 --env local
    uv run python adws/scripts/analyze_logs.py --backend database --output file --output-file F
    uv run python adws/scripts/analyze_logs.py --export csv

It is `adw analyze`, whose default is the database. Exit codes as `adw` has them; a window without
executions is no error.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from adw_state.commands.analyze import analyze

if __name__ == "__main__":
    analyze.context_settings["default_map"] = {"backend": "json"}
    run_command(analyze, sys.argv[0])
