"""Checkpoints: append-only saved steps. Every function works inside a transaction of the caller."""

from __future__ import annotations

from adws.adw_modules.clock import parse_time
from adws.adw_modules.store import executions, sql
from adws.adw_modules.store.database import Database, Params, Row, Transaction
from adws.adw_modules.store.json_values import JSON, decode
from adws.adw_modules.store.records import Checkpoint


def save(tx: Transaction, values: Params, data: JSON) -> Checkpoint:
    """Append a checkpoint; `values` are the parameters of the statement `save` without `now`.

    A save with an op_id that was saved before changes nothing and returns the checkpoint of then.
    `data` is what `values["checkpoint_data"]` encodes.
    """
    row = tx.one(sql.load("checkpoints")["save"], {**values, "now": tx.now})
    if row is None:
        return _saved_before(tx, values)
    return Checkpoint(
        op_id=str(values["op_id"]),
        execution_id=str(values["execution_id"]),
        seq=row["seq"],
        phase=str(values["phase"]),
        attempt=row["attempt"],
        checkpoint_name=str(values["checkpoint_name"]),
        data=data,
        created_at=parse_time(row["created_at"]),
    )


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
    """A row of adw_checkpoints as a `Checkpoint`."""
    return Checkpoint(
        op_id=row["op_id"],
        execution_id=row["execution_id"],
        seq=row["seq"],
        phase=row["phase"],
        attempt=row["attempt"],
        checkpoint_name=row["checkpoint_name"],
        data=decode(row["checkpoint_data"]),
        created_at=parse_time(row["created_at"]),
    )


def _saved_before(tx: Transaction, values: Params) -> Checkpoint:
    row = tx.one(sql.load("checkpoints")["get_by_op_id"], {"op_id": values["op_id"]})
    if row is not None and row["execution_id"] == values["execution_id"]:
        return from_row(row)
    raise executions.why_not_written(tx, str(values["execution_id"]), values["fence"], "by a checkpoint")
