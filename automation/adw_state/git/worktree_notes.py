"""What is noted of a worktree beside git's own files of it, so that it goes when the worktree goes.

adw-slot     a number that no other worktree of the repository has, from 1: for ports and names
adw-setup    what the worktree was prepared with
"""

from __future__ import annotations

from contextlib import closing
from itertools import count
from pathlib import Path

from adw_state.gate import Gate
from adw_state.git.command import refusing
from adw_state.git.worktrees import Worktree, git_dir_of
from adw_state.text_files import replace_file

_SLOT, _SETUP = "adw-slot", "adw-setup"
_GATE_SECONDS = 60.0


def slot_of(tree: Worktree) -> int:
    """The number of the worktree; the lowest that is free is given to it the first time."""
    note = git_dir_of(tree) / _SLOT
    known = _number(note)
    if known is not None:
        return known
    # Two runs that ask at the same time must not get the same number.
    with closing(Gate(note.parent.parent, _GATE_SECONDS)) as gate, gate:
        if _number(note) is None:
            taken = {_number(other / _SLOT) for other in note.parent.parent.iterdir()}
            _write(note, str(next(number for number in count(1) if number not in taken)))
        return _number(note) or 0


def setup_of(tree: Worktree) -> str | None:
    """What the worktree was prepared with; None where it never was."""
    try:
        return (git_dir_of(tree) / _SETUP).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def note_setup(tree: Worktree, what: str) -> None:
    """Note that the worktree is prepared."""
    _write(git_dir_of(tree) / _SETUP, what)


def _number(note: Path) -> int | None:
    try:
        text = note.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isascii() and text.isdigit() else None


def _write(note: Path, text: str) -> None:
    with refusing(f"{note} cannot be written", "check the permissions and the free disk space"):
        replace_file(note, text)
