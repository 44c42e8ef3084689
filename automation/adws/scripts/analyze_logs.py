"""Report how executions went, from the database or from logs.

    uv run python adws/scripts/analyze_logs.py --backend database --hours 24 --env local
    uv run python adws/scripts/analyze_logs.py --backend json --format markdown --output file --output-file F
    uv run python adws/scripts/analyze_logs.py --export csv

Exit codes as `adw` has them; a window without executions is no error.
"""

from __future__ import annotations

import sys

from adws.cli import run_command
from adws.commands.analyze import analyze

if __name__ == "__main__":
    run_command(analyze, sys.argv[0])
