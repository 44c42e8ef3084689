"""Whether anybody's stored view, trigger or index would stop bd, or be lost, when bd rebuilds its tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from adw_state.doctor.project import Project
from adw_state.doctor.rebuild import Obstacle, rebuild_on_a_copy, tables_touched
from adw_state.engine.sqlite.driver import Connection
from adw_state.schema import shape
from adw_state.schema.check import Check, Finding, Stage
from adw_state.schema.migration_files import Layout, known
from adw_state.schema.repair import remake_views_and_triggers
from adw_state.trackers.bd import BD
from adw_state.trackers.database_file import reading

# Views that earlier programs of this kind made over our tables and the tracker's.
_FORMER_VIEWS = {
    "recent_failures",
    "stale_checkpoints",
    "success_rate_by_type",
    "phase_progression_funnel",
}
_STOPPED = (
    "bd rebuilds {table} when it is upgraded, in some versions on every open. Then SQLite cannot read this"
    " {kind}, and bd cannot open its database: every command of it fails."
)
_QUOTES = " To bd, double quotes make a name; texts want single quotes."


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored in a tracker's file that is not the tracker's, as far as it is dangerous."""

    obstacles: tuple[Obstacle, ...]
    ours: frozenset[str]
    """The names of views and triggers that are of our making."""
    reading_tracker: tuple[tuple[str, tuple[str, ...]], ...]
    """Views and triggers of ours that read tables of the tracker that it does not rebuild today."""
    on_tracker: tuple[tuple[str, str, str], ...]
    """Kind, name and table of triggers, and of indexes of ours, on a table of the tracker."""


def _look(project: Project) -> Iterator[Finding]:
    location = project.location
    if location.tracker is not BD or location.tracker_database is None:
        return
    with reading(location.tracker_database) as connection:
        found = _stored(connection)
    for one in found.obstacles:
        yield _stops_bd(project, one, ours=one.name in found.ours and project.location.is_shared_file)
    for name, tables in found.reading_tracker:
        yield Finding(
            "warning",
            f"{name}, which is ours, reads the tracker's {', '.join(tables)}.",
            "bd does not rebuild that today; a version that does could not open its database.",
            fix=project.command("adw doctor --fix"),
            fixable=True,
        )
    for kind, name, table in found.on_tracker:
        yield Finding("note", f"The {kind} {name} sits on the tracker's table {table}.")
    if not (found.obstacles or found.reading_tracker):
        yield Finding("ok", "bd can rebuild its tables: tried on an empty copy.")


def _fix(project: Project) -> Iterator[str]:
    """Drop those of ours that are dangerous, and make those of them anew that our migrations make."""
    with reading(project.path) as connection:
        found = _stored(connection)
    dangerous = {one.name for one in found.obstacles} | {name for name, _ in found.reading_tracker}
    return remake_views_and_triggers(
        project.path,
        project.clock,
        unwanted=frozenset(dangerous & found.ours),
    )


def _stored(connection: Connection) -> _Stored:
    touched = tables_touched(connection)
    stored = shape.present(connection)
    our_objects = shape.expected(known(), Layout.SHARED_FILE)
    our_names = set(our_objects)

    def is_ours(name: str) -> bool:
        if name in our_names or name.startswith("adw_"):
            on_ours = stored[name].kind == "trigger" and stored[name].table.startswith("adw_")
            return on_ours or _touches_ours(name, touched) or stored[name] == our_objects.get(name)
        return name in _FORMER_VIEWS and _touches_ours(name, touched)

    obstacles = tuple(rebuild_on_a_copy(connection))
    blamed = {one.name for one in obstacles}
    theirs = {name for name, found in stored.items() if found.kind == "table"} - our_names
    theirs = {name for name in theirs if not name.startswith("adw_")}
    ours = frozenset(name for name in stored if stored[name].kind in ("view", "trigger") and is_ours(name))
    reading_tracker = (
        (name, tuple(sorted(touched.get(name, set()) & theirs))) for name in sorted(ours - blamed)
    )
    on_tracker = (
        (found.kind, name, found.table)
        for name, found in sorted(stored.items())
        if found.table in theirs
        and (found.kind == "trigger" or (found.kind == "index" and name.startswith(("adw_", "idx_adw_"))))
    )
    return _Stored(
        obstacles,
        ours,
        tuple((name, tables) for name, tables in reading_tracker if tables),
        tuple(on_tracker),
    )


def _touches_ours(name: str, touched: dict[str, set[str]]) -> bool:
    return any(table.startswith("adw_") for table in touched.get(name, ()))


def _stops_bd(project: Project, one: Obstacle, *, ours: bool) -> Finding:
    whose = "which is ours" if ours else "which is not ours"
    removal = shlex.join(["sqlite3", str(project.location.tracker_database), one.removal])
    quotes = _QUOTES if one.why.startswith("no such column") else ""
    return Finding(
        "error",
        f"The {one.kind} {one.name}, {whose}, would stop bd: {one.why}.",
        _STOPPED.format(table=one.rebuilt, kind=one.kind) + quotes,
        fix=project.command("adw doctor --fix") if ours else removal,
        fixable=ours,
    )


CHECKS = (
    Check(
        "views-and-triggers",
        Stage.TRACKER,
        _look,
        why="bd drops it without a word when it rebuilds that table.",
        fix=_fix,
        fix_changes_database=True,
    ),
)
