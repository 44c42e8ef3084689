"""Whether rows are from the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from adw_state.clock import format_time
from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage, several
from adw_state.store import sql

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)


def _look(project: Project) -> Iterator[Finding]:
    if project.database is None:
        return
    now = project.clock.now()
    row = project.database.select(
        sql.load("doctor")["from_the_future"], {"latest": format_time(now + _CLOCKS_MAY_DIFFER)}
    )[0]
    if row["executions"]:
        what = (
            f"{several(row['executions'], 'execution')} changed after the present moment,"
            f" {now:%Y-%m-%d %H:%M} UTC: as late as {row['newest']}."
        )
        yield Finding("warning", what, fix="date -u")
    else:
        yield Finding("ok", "No row is from the future.")


CHECK = Check(
    "times",
    Stage.ROWS,
    _look,
    why="Some machine's clock is or was wrong. Such runs look alive for too long and fall out of the windows"
    " of reports.",
)
