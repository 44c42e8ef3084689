"""Whether a write transaction can begin."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import closing

from adw_state.errors import AdwError
from adw_state.store import sql
from adw_state.store.check import Check, Finding, Stage, Target
from adw_state.store.sqlite.connection import open_writer
from adw_state.store.sqlite.driver import EngineError
from adw_state.store.sqlite.faults import is_fault_of_statement, translate

_READ_ONLY = (
    "Runs cannot be recorded; they go on with JSON only. The medium may be mounted read-only, or the"
    " permissions are too narrow."
)


def _look(target: Target) -> Iterator[Finding]:
    try:
        why_not = _why_not(target)
    except EngineError:
        return  # no such table: the check of the schema says so
    if why_not is None:
        yield Finding("ok", "A write transaction can begin.")
    elif os.access(target.path, os.W_OK) and os.access(target.path.parent, os.W_OK):
        advice = why_not.hint or "see who holds it, and the permissions"
        yield Finding("error", f"{why_not}.", advice=advice)
    else:
        look = shlex.join(["ls", "-ld", str(target.path), str(target.path.parent)])
        what = f"{target.path} or its folder is read-only for this user."
        yield Finding("error", what, _READ_ONLY, fix=look)


def _why_not(target: Target) -> AdwError | None:
    try:
        with closing(
            open_writer(target.path, busy_timeout_seconds=target.busy_timeout_seconds)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")  # of a file that may not be written this begins a read only
            connection.execute(sql.load("health")["write_nothing"])
            connection.execute("ROLLBACK")
    except EngineError as error:
        if is_fault_of_statement(error):
            raise
        return translate(error, target.path)
    except AdwError as error:
        return error
    return None


CHECK = Check("writable", Stage.USE, _look, why="Runs cannot be recorded; they go on with JSON only.")
