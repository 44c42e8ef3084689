"""Whether our tables are there."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage


def _look(project: Project) -> Iterator[Finding]:
    if not project.location.database_exists():
        what = f"There is no state for this project yet; it will be {project.path}."
        yield Finding("note", what, fix=project.command("adw init"))
    elif not project.holds_our_tables:
        what = f"{project.path} holds none of our tables yet."
        yield Finding("note", what, fix=project.command("adw init"))


CHECK = Check("tables", Stage.FILE_CONTENT, _look, why="Until they are made, runs are kept in JSON only.")
