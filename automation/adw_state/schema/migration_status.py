"""What a database knows of the migrations, and whether its schema is what they make. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.engine.sqlite.connection import open_reader
from adw_state.engine.sqlite.driver import Connection, Row
from adw_state.engine.sqlite.faults import translating
from adw_state.errors import MigrationError, SchemaTooNewError
from adw_state.schema import shape
from adw_state.schema.migration_files import Layout, Migration, known
from adw_state.schema.previous_tables import is_earlier_record
from adw_state.store import sql


@dataclass(frozen=True, slots=True)
class Step:
    """One migration and what the database knows of it. `state`: applied, pending, changed or unknown."""

    version: str
    name: str
    sha256: str
    state: str
    applied_at: str | None


def status(path: Path) -> list[Step]:
    """Every migration that the program or the database knows, in order. Writes nothing."""
    with closing(open_reader(path)) as connection, translating(path):
        records = recorded(connection)
    steps = [_step(migration, records.get(migration.version)) for migration in known()]
    names = {step.version for step in steps}
    steps += [
        Step(version, record["name"], record["sha256"], "unknown", record["applied_at"])
        for version, record in records.items()
        if version not in names
    ]
    return sorted(steps, key=lambda step: step.version)


def require_understood(steps: Sequence[Step], path: Path) -> None:
    """Refuse a database that a newer version made, or one whose applied files were edited since."""
    for step in steps:
        if step.state == "unknown":
            raise SchemaTooNewError(
                f"{path} has migration {step.version} ({step.name}), which this version does not know",
                hint="update adw-state; nothing was changed",
            )
        if step.state == "changed":
            raise MigrationError(
                f"migration {step.version} ({step.name}) was edited after it was applied to {path}",
                hint="put the file back as it was and make a new migration for the change",
            )


def require_valid(path: Path) -> None:
    """Refuse a database whose objects are not what its applied migrations make."""
    found = problems(path)
    if found:
        raise MigrationError(
            f"the schema in {path} is not as it should be: " + "; ".join(found),
            hint="`adw doctor` names the commands that make it so",
        )


def problems(path: Path) -> list[str]:
    """One sentence per object that is missing or differs, for the migrations that are applied."""
    migrations = applied_migrations(path)
    connection = open_reader(path)
    try:
        have = shape.present(connection)
        return shape.differences(shape.expected(migrations, shape.layout_of(have)), have)
    finally:
        connection.close()


def recorded(connection: Connection) -> dict[str, Row]:
    """The rows of schema_version by version; none where there is no such table, or the earlier one's."""
    have = shape.present(connection)
    if "schema_version" not in have:
        return {}
    wanted = shape.expected(known()[:1], Layout.OWN_FILE)["schema_version"]
    if have["schema_version"] != wanted:
        if is_earlier_record(connection):
            return {}
        raise MigrationError(
            "this database has a table schema_version that is not ours",
            hint="another extension uses the name; `adw doctor` shows the table",
        )
    rows = connection.execute(sql.load("migrations")["applied"]).fetchall()
    return {row["version"]: row for row in rows}


def _step(migration: Migration, record: Row | None) -> Step:
    if record is None:
        return Step(migration.version, migration.name, migration.sha256, "pending", None)
    state = "applied" if record["sha256"] == migration.sha256 else "changed"
    return Step(migration.version, migration.name, migration.sha256, state, record["applied_at"])


def applied_migrations(path: Path) -> tuple[Migration, ...]:
    """The migrations that are applied and unchanged, in order."""
    applied = {step.version for step in status(path) if step.state == "applied"}
    return tuple(migration for migration in known() if migration.version in applied)
