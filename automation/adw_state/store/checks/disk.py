"""Whether there is room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from adw_state.store.check import Check, Finding, Stage, Target

_LITTLE_BYTES = 256 * 1024 * 1024


def _look(target: Target) -> Iterator[Finding]:
    free = shutil.disk_usage(target.path.parent).free
    what = f"{free:,} bytes are free on the disk."
    if free > _LITTLE_BYTES:
        yield Finding("ok", what)
    else:
        yield Finding("warning", what, advice="free some disk space")


CHECK = Check("disk", Stage.USE, _look, why="A write that finds no room fails.")
