"""Whether SQLite can read the file, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from adw_state.store.check import Check, Finding, Stage, Target
from adw_state.store.sqlite.connection import open_reader
from adw_state.store.sqlite.faults import translating


def _look(target: Target) -> Iterator[Finding]:
    reader = open_reader(target.path, busy_timeout_seconds=target.busy_timeout_seconds)
    with closing(reader), translating(target.path):
        found = [row[0] for row in reader.execute("PRAGMA quick_check(5)").fetchall()]
    if found == ["ok"]:
        yield Finding("ok", "SQLite finds no damage.")
    else:
        yield Finding("error", f"SQLite finds damage: {'; '.join(found)}.", damaged=True)


CHECK = Check("integrity", Stage.FILE_CONTENT, _look, why="Rows may be lost or wrong.")
