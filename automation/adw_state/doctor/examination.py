"""Running checks over a project, and doing the repairs that are safe."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from adw_state.doctor import checks
from adw_state.doctor.project import Project
from adw_state.engine.sqlite.backup import Backup, back_up, list_backups
from adw_state.errors import AdwError
from adw_state.schema import health
from adw_state.schema.check import Check, Finding, collect, run_checks
from adw_state.trackers.bd_program import installed_bd
from adw_state.trackers.database_file import commands_that_put_away

OF_PROJECT: tuple[Check[Project], ...] = collect(checks)
ALL: tuple[Check[Project], ...] = tuple(
    sorted((*OF_PROJECT, *health.CHECKS), key=lambda check: (check.stage, check.id))
)
_OF_DATABASE = {check.id for check in health.CHECKS}
_WHAT_BD_DOES = "bd calls such a file corrupt and rebuilds it from the issue export, which lacks our tables."
_WITHOUT_BD_AND_BACKUP = (
    "install the version of bd that made it, run `bd doctor --fix`, which rebuilds it, then `adw restore`"
)


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was repaired, in sentences, and the backup that was made before, if the database changed."""

    done: tuple[str, ...]
    backup: Backup | None


def examine(project: Project, wanted: Sequence[Check[Project]] = ALL) -> list[Finding]:
    """Every finding of the checks. Writes nothing."""
    # Asked only when it is a database's turn: logs must be looked at before anything opens it.
    possible = (check for check in wanted if check.id not in _OF_DATABASE or project.holds_our_tables)
    try:
        return [_with_way_back(finding, project) for finding in run_checks(possible, project)]
    finally:
        project.release()


def repair(project: Project, findings: Iterable[Finding]) -> Repairs:
    """Repair what these findings say is fixable, after a backup where that changes the database.

    Raises `DatabaseError` and its kinds, `StoreBusyError`; what was repaired before stays so.
    """
    ids = {finding.check for finding in findings if finding.fixable}
    due = [check for check in ALL if check.id in ids and check.fix is not None]
    backup = None
    done: list[str] = []
    try:
        if any(check.fix_changes_database for check in due):
            folder = project.location.state_dir / "backups"
            backup = back_up(project.path, folder, "before-doctor", project.clock.now())
        for check in due:
            done += check.fix(project) if check.fix else ()
    finally:
        project.release()
    return Repairs(tuple(done), backup)


def not_located(error: AdwError) -> Finding:
    """The finding where it cannot even be said which database is meant."""
    return Finding("error", f"{error}.", "Nothing else can be checked.", advice=error.hint, check="location")


def _with_way_back(finding: Finding, project: Project) -> Finding:
    """The finding of damage with the commands that bring the history back."""
    if not finding.damaged:
        return finding
    why = f"{finding.why} {_WHAT_BD_DOES}" if project.location.is_shared_file else finding.why
    fix = _way_back(project)
    return replace(finding, why=why, fix=fix, advice=None if fix else _WITHOUT_BD_AND_BACKUP)


def _way_back(project: Project) -> str | None:
    """Commands that bring the history back from damage, to be run one after the other.

    None where bd has to be installed first, or a backup found.
    """
    location = project.location
    restore = project.command("adw restore")
    moves = commands_that_put_away(location.database)
    if not location.is_shared_file:
        return "; ".join([*moves, restore])
    if installed_bd(project.environ):
        return f"bd doctor --fix; {restore}"
    backups = list_backups(location.database, location.state_dir / "backups")
    if not backups:
        return None
    copy = shlex.join(["cp", str(backups[-1].path), str(location.database)])
    return "; ".join([*moves, copy, restore])
