"""Whether the write-ahead log keeps growing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adw_state.store.check import Check, Finding, Stage, Target

_LARGE_BYTES = 256 * 1024 * 1024


def _look(target: Target) -> Iterator[Finding]:
    log = Path(f"{target.path}-wal")
    size = log.stat().st_size if log.exists() else 0
    what = f"The write-ahead log has {size:,} bytes."
    if size < _LARGE_BYTES:
        yield Finding("ok", what)
    else:
        advice = "a reader that never ends keeps it growing; find and stop that process"
        yield Finding("warning", what, advice=advice)


CHECK = Check("log-size", Stage.USE, _look, why="Reading slows down and the disk fills up.")
