"""Whether rows must follow their issues, and what was reconciled before."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage
from adw_state.shared_file import needs_reconciling
from adw_state.shared_file.reconciliations import Reconciliation, list_reconciliations

_SHOWN = 3


def _look(project: Project) -> Iterator[Finding]:
    if project.database is None or not project.location.is_shared_file:
        return
    if project.database.read(needs_reconciling):
        yield Finding(
            "warning",
            "The tracker renamed, deleted or re-made issues since our tables were opened last.",
            fix=project.command("adw doctor --fix"),
            fixable=True,
        )
    past = list_reconciliations(project.database, limit=_SHOWN)
    if past:
        yield Finding(
            "note",
            "Reconciled lately: " + "; ".join(_told(one) for one in past) + ".",
            "This tells what was changed without anybody asking for it; adw_reconciliations holds all of it.",
        )
    else:
        yield Finding("ok", "No row ever had to be reconciled.")


def _told(done: Reconciliation) -> str:
    when = f"{done.reconciled_at:%Y-%m-%d %H:%M}" if done.reconciled_at else "?"
    return f"{when} {done.kind}, {done.detail}"


CHECK = Check(
    "reconciliation",
    Stage.ROWS,
    _look,
    why="Until they are opened, runs stand under ids that their issues no longer have.",
    fix=Project.reconcile,
    fix_changes_database=True,
)
