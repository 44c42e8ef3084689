"""The benchmarks, and the matrix of trackers, as commands: `uv run python -m benchmarks --help`."""

from __future__ import annotations

from adw_state.cli import run_command
from benchmarks.commands import bench
from benchmarks.trackers import trackers

bench.add_command(trackers)

if __name__ == "__main__":
    run_command(bench, "python -m benchmarks")
