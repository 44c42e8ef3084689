"""Checkpoints: append-only saved steps."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

from adw_state.clock import parse_time
from adw_state.engine.transaction import Transaction
from adw_state.errors import ConstraintError, InvalidInputError, StoreBusyError
from adw_state.store import executions, sql
from adw_state.store.database import Database
from adw_state.store.json_values import JSON
from adw_state.store.records import Checkpoint, checkpoint_from_row

# The statement `append` found no execution that this checkpoint may be appended to.
_WITHOUT_EXECUTION = "NOT NULL constraint failed: adw_checkpoints.execution_id"


class NewCheckpoint(TypedDict):
    """A checkpoint to be appended: the parameters of the statement `append` without `now`."""

    op_id: str
    execution_id: str
    phase: str
    listed: str
    attempt: int | None
    checkpoint_name: str
    checkpoint_data: str
    fence: int | None


def save(database: Database, new: NewCheckpoint, data: JSON) -> Checkpoint:
    """Append a checkpoint; `data` is what `new["checkpoint_data"]` encodes.

    A save with an op_id that was saved before changes nothing and returns the checkpoint of then.
    Raises `ExecutionNotFoundError`, `OwnershipLostError` or, for a phase that the execution does not have
    and an op_id of another execution, `InvalidInputError`.
    """
    try:
        row = database.write_row(sql.load("checkpoints")["append"], new)
    except ConstraintError as error:
        if error.rule != _WITHOUT_EXECUTION:
            raise
        row = None
    if row is None:
        return database.read(partial(_saved_before, new=new))
    seq, attempt, created_at = row
    return Checkpoint(
        new["op_id"],
        new["execution_id"],
        seq,
        new["phase"],
        attempt,
        new["checkpoint_name"],
        data,
        parse_time(created_at),
    )


def newest(database: Database, execution_id: str, phase: str | None, name: str | None) -> Checkpoint | None:
    """The newest checkpoint of an execution with this phase and name, where given."""
    texts = sql.load("checkpoints")
    if phase is None and name is None:  # as on every resume; two conditions less are a tenth of the time
        rows = database.select(texts["newest"], {"execution_id": execution_id})
    else:
        params = {"execution_id": execution_id, "phase": phase, "checkpoint_name": name}
        rows = database.select(texts["newest_matching"], params)
    return checkpoint_from_row(rows[0]) if rows else None


def of_execution(tx: Transaction, execution_id: str) -> list[Checkpoint]:
    """The checkpoints of an execution in order."""
    rows = tx.all(sql.load("checkpoints")["list"], {"execution_id": execution_id})
    return [checkpoint_from_row(row) for row in rows]


def _saved_before(tx: Transaction, new: NewCheckpoint) -> Checkpoint:
    """The checkpoint that a save made the first time; raises why there was nothing to append to."""
    row = tx.one(sql.load("checkpoints")["get_by_op_id"], {"op_id": new["op_id"]})
    if row is None:
        executions.require_owned(tx, new["execution_id"], new["fence"], new["phase"])
        raise StoreBusyError(
            f"execution {new['execution_id']} was changed while it was written to", hint="try again"
        )
    if row["execution_id"] != new["execution_id"]:
        raise InvalidInputError(
            f"op_id {new['op_id']!r} belongs to a checkpoint of execution {row['execution_id']}",
            hint="make a fresh op_id for every new checkpoint",
        )
    return checkpoint_from_row(row)
