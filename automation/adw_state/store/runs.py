"""A run as one value: an execution with its attempts and checkpoints, each row as its table stores it.

Whatever moves history carries it in this form: archives, old files, JSON states. A row is taken as it was
found; what breaks a rule of the tables is refused where it is written (`importing`), not here. Which columns
there are follows from the records, so a new column needs no word here unless old rows must not lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from adw_state.built_in import PHASES, WORKFLOW
from adw_state.engine.transaction import Row
from adw_state.store import sql
from adw_state.store.records import (
    Attempt,
    Checkpoint,
    Execution,
    attempt_from_row,
    decode_phases,
    encode_phases,
    execution_from_row,
)

Ask: TypeAlias = Callable[[str, Mapping[str, object]], Sequence[Row]]
"""Every row of the answer to a statement with parameters."""

LIVE_TABLES = ("adw_executions", "adw_phase_attempts", "adw_checkpoints")
ARCHIVES = tuple(f"{table}_archive" for table in LIVE_TABLES)
EXECUTION_COLUMNS = tuple(field.name for field in fields(Execution))
ATTEMPT_COLUMNS = tuple(field.name for field in fields(Attempt))
CHECKPOINT_COLUMNS = tuple(
    "checkpoint_data" if field.name == "data" else field.name for field in fields(Checkpoint)
)

# What stands in a row that was written before there was such a column.
_DEFAULTS: dict[str, object] = {
    "workflow": WORKFLOW,
    "phases": encode_phases(PHASES),
    "environment": "local",
    "fence": 0,
    "claimed": 0,
    "pr_created": 0,
}


@dataclass(frozen=True, slots=True)
class Archived:
    """When and why a row went to an archive."""

    at: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row by column, and where it lay: in the live table, or in its archive."""

    values: dict[str, object]
    archived: Archived | None = None


@dataclass(frozen=True, slots=True)
class RunRows:
    """An execution with all that belongs to it.

    `derived` checkpoints were numbered by their reader: two of the same name in the same attempt are one.
    """

    execution: StoredRow
    attempts: list[StoredRow]
    checkpoints: list[StoredRow]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows there are of each kind, archived ones included."""

    executions: int = 0
    attempts: int = 0
    checkpoints: int = 0


def stored_row(row: Row, columns: Sequence[str], *, reason_of_deleted: str = "deleted") -> StoredRow:
    """A row as it lies in a table or an archive.

    Where a tracker's own file calls a row deleted, its issue is gone: that is for the caller to say.
    """
    found = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates over its values
    values = complete(found, columns)
    if "archive_reason" not in found:
        return StoredRow(values)
    reason = found["archive_reason"]
    return StoredRow(
        values, Archived(found["archived_at"], reason_of_deleted if reason == "deleted" else reason)
    )


def complete(found: Mapping[str, object], columns: Iterable[str]) -> dict[str, object]:
    """These columns of a row, with defaults for those that it was written without."""
    values = {name: found[name] if name in found else _DEFAULTS.get(name) for name in columns}
    if values.get("cost_usd") is not None and "cost_kind" not in found:
        values["cost_kind"] = "reported"  # every cost was, before there was another kind
    return values


def with_parts(
    ask: Ask, tables: frozenset[str], execution: StoredRow, *, reason_of_deleted: str = "deleted"
) -> RunRows:
    """The run of an execution, with the attempts and checkpoints that these tables hold of it."""

    def parts(table: str, columns: Sequence[str], live: str, archived: str) -> list[StoredRow]:
        texts, owner = sql.load("restore"), {"execution_id": execution.values["id"]}
        rows = [stored_row(row, columns) for row in ask(texts[live], owner)] if table in tables else []
        if f"{table}_archive" in tables:
            found = ask(texts[archived], owner)
            rows += [stored_row(row, columns, reason_of_deleted=reason_of_deleted) for row in found]
        return rows

    attempts = parts("adw_phase_attempts", ATTEMPT_COLUMNS, "old_attempts", "old_archived_attempts")
    for attempt in attempts:
        _give_place(attempt, execution)
    return RunRows(
        execution,
        attempts,
        parts("adw_checkpoints", CHECKPOINT_COLUMNS, "old_checkpoints", "old_archived_checkpoints"),
    )


def _give_place(attempt: StoredRow, execution: StoredRow) -> None:
    """Where an attempt was written without its place, the place that its phase has in the run."""
    if attempt.values["place"] is None:
        phases = decode_phases(str(execution.values["phases"]))
        phase = str(attempt.values["phase"])
        attempt.values["place"] = phases.index(phase) + 1 if phase in phases else 1


def execution_of(values: Mapping[str, Any]) -> Execution:
    """The record that a row of adw_executions stands for."""
    return execution_from_row([values[name] for name in EXECUTION_COLUMNS])


def attempt_of(values: Mapping[str, Any]) -> Attempt:
    """The record that a row of adw_phase_attempts stands for."""
    return attempt_from_row([values[name] for name in ATTEMPT_COLUMNS])
