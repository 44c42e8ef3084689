"""The commands that move a damaged database out of the way, with its log, so that `adw restore` finds it."""

from __future__ import annotations

import os
import shlex
from itertools import count
from pathlib import Path

_SIDES = ("", "-wal", "-journal")


def commands_that_put_away(database: Path) -> list[str]:
    """Shell commands that rename the file and its logs to a name that is free."""
    names = (f"{database}.corrupt{'' if number == 1 else f'-{number}'}" for number in count(1))
    away = next(name for name in names if not os.path.lexists(name))
    return [
        shlex.join(["mv", f"{database}{side}", f"{away}{side}"])
        for side in _SIDES
        if not side or os.path.lexists(f"{database}{side}")
    ]


def way_back_of_tracker(database: Path) -> str:
    """What to do where a tracker's file cannot be used at all, as a hint."""
    moves = "`, `".join(commands_that_put_away(database))
    return (
        f"if it was the tracker's database, move it away (`{moves}`), let bd build it anew (`bd init`), and"
        " run `adw restore`; else name another file with --db"
    )
