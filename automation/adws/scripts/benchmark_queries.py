"""Time every common query and join against the targets of 10 ms and 20 ms.

    uv run python adws/scripts/benchmark_queries.py --executions 100,500,1000 --iterations 10
    uv run python adws/scripts/benchmark_queries.py --db .beads/beads.db --iterations 50 --json

It is `uv run python -m benchmarks queries`.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from benchmarks.commands import queries

if __name__ == "__main__":
    run_command(queries, sys.argv[0])
