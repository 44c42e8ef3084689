"""Whether unfinished runs belong to processes that are dead."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store import sql
from adw_state.store.owner import owner_is_dead


def _look(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    rows = project.database.select(sql.load("doctor")["owned"])
    dead_owners = {owner for owner in {row["owner"] for row in rows} if owner_is_dead(owner)}
    dead = [row for row in rows if row["owner"] in dead_owners]
    if not dead:
        yield Finding("ok", f"{several(len(rows), 'unfinished run')} with an owner, none of them known dead.")
        return
    held = sum(row["claimed"] for row in dead)
    yield Finding(
        "note",
        f"{several(len(dead), 'unfinished run')} belong to processes that are dead, first {dead[0]['id']}.",
        f"{several(held, 'issue')} stay held by them until somebody goes on or starts with --force.",
        fix=project.command(shlex.join(["adw", "resume", dead[0]["id"]])),
    )


CHECK = Check("owners", Stage.ROWS, _look, why="Issues stay held by runs that nobody works on.")
