"""Tables of our names that this version did not make: told by shape, never by names alone.

Those of an earlier implementation lack what every version of ours has (the fence of an execution, the op_id
and seq of a checkpoint, the checksum of a migration); its views read its tables and are none of ours. Columns
that variants of it left out or added do not matter. Those of a version of ours before its first release have
a fence, and no list of phases.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.engine.sqlite.connection import open_reader
from adw_state.engine.sqlite.driver import Connection, Row
from adw_state.engine.sqlite.faults import translating
from adw_state.schema import shape
from adw_state.schema.migration_files import Layout, known
from adw_state.schema.shape import SchemaObject
from adw_state.store import sql
from adw_state.store.runs import ARCHIVES, LIVE_TABLES

VIEWS = ("recent_failures", "stale_checkpoints", "success_rate_by_type", "phase_progression_funnel")
_TABLES = {
    # table: (columns that make it theirs, columns of which one alone makes it ours)
    "adw_executions": ({"id", "issue_id", "phase", "status"}, {"fence", "claimed", "heartbeat_at"}),
    "adw_checkpoints": ({"execution_id", "checkpoint_name", "checkpoint_data"}, {"op_id", "seq"}),
}
_OURS = (
    *LIVE_TABLES,
    *ARCHIVES,
    "adw_archive_requests",
    "adw_healings",
    "adw_healing_state",
    "schema_version",
)
_RECORD_COLUMNS = {"version", "applied_at"}
_THREE_DIGITS = re.compile(r"\d{3}")


@dataclass(frozen=True, slots=True)
class PreviousTables:
    """What previous tables are in a database."""

    are_ours: bool
    """A version of ours made them, before its first release; else it was the earlier implementation."""
    tables: tuple[str, ...]
    views: tuple[str, ...]
    triggers: tuple[str, ...]
    """Triggers on these tables, whoever made them; they go with the tables."""
    versions: tuple[str, ...]
    """The migrations that are noted as applied."""
    executions: int
    checkpoints: int


def look_for(path: Path) -> PreviousTables | None:
    """What previous tables are in the database at `path`; writes nothing."""
    with closing(open_reader(path)) as connection, translating(path):
        return recognise(connection)


def recognise(connection: Connection) -> PreviousTables | None:
    """What previous tables are in this database; None where there are none."""
    have = shape.present(connection)
    if _are_ours(connection, have):
        tables = [name for name in _OURS if name in have and have[name].kind == "table"]
        views = [name for name in VIEWS if name in have and have[name].kind == "view"]
        return _found(connection, have, tables, views, _recorded(connection), are_ours=True)
    tables = [name for name in _TABLES if _is_theirs(connection, have, name)]
    records = _records(connection, have)
    views = [name for name in VIEWS if _is_their_view(have, name)]
    if not (tables or records is not None or (views and _without_tables(have))):
        return None
    if records is not None:
        tables.append("schema_version")
    return _found(connection, have, tables, views, records or [], are_ours=False)


def is_earlier_record(connection: Connection) -> bool:
    """Whether the table schema_version is the earlier implementation's."""
    return _records(connection, shape.present(connection)) is not None


def columns(connection: Connection, name: str) -> list[str]:
    """The columns of a table in lower case; none where there is no such table."""
    rows = connection.execute(sql.load("previous_tables")["columns"], {"name": name}).fetchall()
    return [row["name"] for row in rows]


def _found(
    connection: Connection,
    have: dict[str, SchemaObject],
    tables: list[str],
    views: list[str],
    records: list[Row],
    *,
    are_ours: bool,
) -> PreviousTables:
    return PreviousTables(
        are_ours=are_ours,
        tables=tuple(sorted(tables)),
        views=tuple(views),
        triggers=tuple(o.name for o in have.values() if o.kind == "trigger" and o.table in tables),
        versions=tuple(str(record["version"]) for record in records),
        executions=_count(connection, "executions") if "adw_executions" in tables else 0,
        checkpoints=_count(connection, "checkpoints") if "adw_checkpoints" in tables else 0,
    )


def _are_ours(connection: Connection, have: dict[str, SchemaObject]) -> bool:
    if not {"adw_executions", "schema_version"} <= have.keys():
        return False
    of_executions = columns(connection, "adw_executions")
    noted = columns(connection, "schema_version")
    return "fence" in of_executions and "phases" not in of_executions and "sha256" in noted


def _recorded(connection: Connection) -> list[Row]:
    return connection.execute(sql.load("previous_tables")["recorded"]).fetchall()


def _is_theirs(connection: Connection, have: dict[str, SchemaObject], name: str) -> bool:
    if name not in have or have[name].kind != "table":
        return False
    found, (theirs, ours) = set(columns(connection, name)), _TABLES[name]
    return found >= theirs and not found & ours


def _is_their_view(have: dict[str, SchemaObject], name: str) -> bool:
    found = have.get(name)
    if found is None or found.kind != "view" or not any(table in found.text for table in _TABLES):
        return False
    return found != shape.expected(known(), Layout.OWN_FILE).get(name)


def _without_tables(have: dict[str, SchemaObject]) -> bool:
    # Its rollback could drop the tables from under the views; beside tables of ours a view is another
    # matter, which `adw doctor` names.
    return not any(name in have for name in _TABLES)


def _records(connection: Connection, have: dict[str, SchemaObject]) -> list[Row] | None:
    """The rows of its schema_version; None where that table is absent, ours or somebody else's.

    The name is a common one, so its rows must show that they are about this: one tells of our tables, or
    all have the numbers of migration files and the tables lie beside it.
    """
    found = have.get("schema_version")
    if found is None or found.kind != "table":
        return None
    names = set(columns(connection, "schema_version"))
    if not names >= _RECORD_COLUMNS or "sha256" in names:
        return None
    rows = _recorded(connection)
    tell = any("adw_" in str(value) for row in rows for value in row)
    numbered = all(_THREE_DIGITS.fullmatch(str(row["version"])) for row in rows)
    beside = any(_is_theirs(connection, have, name) for name in _TABLES)
    return rows if tell or (numbered and beside) else None


def _count(connection: Connection, what: str) -> int:
    row = connection.execute(sql.load("previous_tables")[f"count_{what}"]).fetchone()
    return int(row["found"])
