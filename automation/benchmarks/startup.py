"""How long the command takes to start, in units of a Python that imports sqlite3 and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from adw_state.errors import AdwError
from adw_state.schema import migrations
from adw_state.temporary_files import temporary_folder
from benchmarks.timings import seconds_for

_BARE = (sys.executable, "-c", "import sqlite3")
# What the installed `adw` does.
_ADW = (sys.executable, "-c", "from adw_state.cli import main; main()")
# For each row: the words, the exit code, and what the ratio may be at most.
_ROWS = {
    "adw --help": (("--help",), 0, 2.5),
    "adw status": (("status",), 0, 4.0),
    "adw status (no project)": (("status",), 4, 4.0),
}


@dataclass(frozen=True, slots=True)
class StartupRatio:
    """One command: its start in units of the bare one's. Milliseconds are medians."""

    command: str
    rounds: int
    ratio: float
    median_ms: float
    bare_median_ms: float
    goal: float

    @property
    def on_goal(self) -> bool:
        """Whether the ratio stays within the goal."""
        return self.ratio <= self.goal


def compare_startup(rounds: int = 15, *, progress: Callable[[str], None] | None = None) -> list[StartupRatio]:
    """`adw --help`, and `adw status` with and without a project, against the bare start, in turns."""
    with temporary_folder("adw-bench-") as prepared, temporary_folder("adw-bench-") as empty:
        store = prepared / ".adw" / "state.sqlite3"
        migrations.create_store(store, backup_folder=store.parent / "backups")
        bare: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in _ROWS}
        for number in range(rounds + 1):
            if progress:
                progress(f"round {number} of {rounds}" if number else "warming up")
            bare.append(_seconds(_BARE, prepared, 0))
            for name, (words, code, _) in _ROWS.items():
                times[name].append(_seconds((*_ADW, *words), prepared if code == 0 else empty, code))
    return [_ratio(name, times[name][1:], bare[1:]) for name in _ROWS]


def _seconds(words: tuple[str, ...], folder: Path, code: int) -> float:
    return seconds_for(lambda: _run(words, folder, code))


def _run(words: tuple[str, ...], folder: Path, code: int) -> None:
    # As on a user's machine, where Python keeps what it has compiled.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        words, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != code:
        raise AdwError(f"`{' '.join(words[2:])}` ended with {done.returncode}: {done.stderr.strip()[:300]}")


def _ratio(name: str, seconds: list[float], bare: list[float]) -> StartupRatio:
    ratios = [ours / theirs for ours, theirs in zip(seconds, bare, strict=True)]
    goal = _ROWS[name][2]
    return StartupRatio(name, len(ratios), median(ratios), median(seconds) * 1000, median(bare) * 1000, goal)
