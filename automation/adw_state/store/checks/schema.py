"""Whether our tables, indexes, views and triggers are as the migrations make them.

Views and triggers hold no rows, so they are made anew at once. Tables and indexes are made anew by
commands that the user gives, because the rows leave their tables on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.store import migration_status
from adw_state.store.check import Check, Finding, Stage, Target
from adw_state.store.schema_repair import commands_that_rebuild, remake_views_and_triggers
from adw_state.store.sqlite.faults import translating


def _look(target: Target) -> Iterator[Finding]:
    with translating(target.path):
        found = migration_status.problems(target.path, beside_issues=target.beside_issues)
    if not found:
        yield Finding("ok", "Everything is as the migrations make it.")
        return
    fixable = all(one.startswith(("view ", "trigger ")) for one in found)
    fix = target.command("adw doctor --fix") if fixable else commands_that_rebuild(target)
    yield Finding("error", f"Not as the migrations make it: {'; '.join(found)}.", fix=fix, fixable=fixable)


def _fix(target: Target) -> Iterator[str]:
    return remake_views_and_triggers(target.path, target.clock, beside_issues=target.beside_issues)


CHECK = Check(
    "schema",
    Stage.SCHEMA,
    _look,
    why="Somebody changed our tables, views or triggers; rows may be lost or not found.",
    fix=_fix,
    fix_changes_database=True,
)
