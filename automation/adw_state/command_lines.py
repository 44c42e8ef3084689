"""Commands in messages, written so that a shell takes them as they are printed."""

from __future__ import annotations

import shlex


def command_on(command: str, name: str) -> str:
    """`command` with `name` as its last argument, also where that has blanks or begins with a dash."""
    separator = "-- " if name.startswith("-") else ""
    return f"{command} {separator}{shlex.quote(name)}"
