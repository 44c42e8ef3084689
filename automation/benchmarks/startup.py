"""How long the command takes to start, in units of a Python that imports sqlite3 and ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from adw_state.errors import AdwError
from adw_state.store import migrations
from adw_state.temporary_files import temporary_folder
from benchmarks.timings import seconds_for

GOAL = 4.0
_BARE = (sys.executable, "-c", "import sqlite3")
# What the installed `adw` does.
_ADW = (sys.executable, "-c", "from adw_state.cli import main; main()")


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
    """`adw --help` and `adw status` against the bare start, in turns, in a scratch project."""
    with temporary_folder("adw-bench-") as folder:
        store = folder / ".adw" / "state.sqlite3"
        migrations.create_store(store, backup_folder=store.parent / "backups")
        commands = {
            "bare": _BARE,
            "adw --help": (*_ADW, "--help"),
            "adw status": (*_ADW, "status"),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            if progress:
                progress(f"round {number} of {rounds}" if number else "warming up")
            for name, words in commands.items():
                seconds = seconds_for(lambda words=words: _run(words, folder))  # type: ignore[misc]
                if number:
                    times[name].append(seconds)
    return [_ratio(name, times[name], times["bare"]) for name in commands if name != "bare"]


def _run(words: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise AdwError(f"`{' '.join(words[2:])}` ended with {done.returncode}: {done.stderr.strip()[:300]}")


def _ratio(name: str, seconds: list[float], bare: list[float]) -> StartupRatio:
    ratios = [ours / theirs for ours, theirs in zip(seconds, bare, strict=True)]
    return StartupRatio(name, len(ratios), median(ratios), median(seconds) * 1000, median(bare) * 1000, GOAL)
