"""Checkpoints: append-only saved steps. Every function works inside a transaction of the caller."""

from __future__ import annotations

from adws.adw_modules.clock import parse_time
from adws.adw_modules.errors import InvalidInputError
from adws.adw_modules.store import executions, sql
from adws.adw_modules.store.database import Database, Params, Row, Transaction
from adws.adw_modules.store.json_values import JSON, decode
from adws.adw_modules.store.records import Checkpoint


def save(tx: Transaction, values: Params, data: JSON) -> Checkpoint:
    """Append a checkpoint; `values` are the parameters of the statement `save` without `now`.

    A save with an op_id that was saved before changes nothing and returns the checkpoint of then.
    `data` is what `values["checkpoint_data"]` encodes. Raises `ExecutionNotFoundError`,
    `OwnershipLostError` or, for an op_id of another execution, `InvalidInputError`.
    """
    texts = sql.load("checkpoints")
    saved = tx.execute(texts["save"], {**values, "now": tx.now})
    row = tx.one(texts["get_by_op_id"], {"op_id": values["op_id"]})
    execution_id = str(values["execution_id"])
    if row is None:
        raise executions.why_not_written(tx, execution_id, values["fence"], "by a checkpoint")
    if row["execution_id"] != execution_id:
        raise InvalidInputError(
            f"op_id {values['op_id']!r} belongs to a checkpoint of execution {row['execution_id']}",
            hint="make a fresh op_id for every new checkpoint",
        )
    return _with_data(row, data) if saved else from_row(row)


def newest(database: Database, execution_id: str, phase: str | None, name: str | None) -> Checkpoint | None:
    """The newest checkpoint of an execution with this phase and name, where given."""
    texts = sql.load("checkpoints")
    if phase is None and name is None:
        rows = database.select(texts["newest"], {"execution_id": execution_id})
    else:
        params = {"execution_id": execution_id, "phase": phase, "checkpoint_name": name}
        rows = database.select(texts["newest_matching"], params)
    return from_row(rows[0]) if rows else None


def of_execution(tx: Transaction, execution_id: str) -> list[Checkpoint]:
    """The checkpoints of an execution in order."""
    rows = tx.all(sql.load("checkpoints")["list"], {"execution_id": execution_id})
    return [from_row(row) for row in rows]


def from_row(row: Row) -> Checkpoint:
    """A row of adw_checkpoints as a `Checkpoint`; its columns are the fields, in their order."""
    return _with_data(row, decode(row["checkpoint_data"]))


def _with_data(row: Row, data: JSON) -> Checkpoint:
    op_id, execution_id, seq, phase, attempt, name, _, created_at = row
    return Checkpoint(op_id, execution_id, seq, phase, attempt, name, data, parse_time(created_at))
