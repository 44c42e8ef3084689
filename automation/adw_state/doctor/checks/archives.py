"""Whether somebody spoiled rows in the archives."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store import sql


def _look(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    rows = project.database.select(sql.load("doctor")["spoiled_archives"])
    spoiled = [f"{several(row['spoiled'], 'row')} of {row['archive']}" for row in rows if row["spoiled"]]
    if spoiled:
        what = f"{' and '.join(spoiled)} cannot belong to a run: no id, or times that are none."
        yield Finding("warning", what, fix=project.command("adw restore --dry-run"))
    else:
        yield Finding("ok", "Every archived row belongs to a run.")


CHECK = Check(
    "archives",
    Stage.ROWS,
    _look,
    why="Somebody changed the archives by hand. Those rows can never come back; nothing else is harmed.",
)
