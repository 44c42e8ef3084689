"""The present in one picture: how many executions are where, what is at work, what failed, what is stale."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from adw_state.clock import format_time, hours_before, parse_time
from adw_state.store import sql
from adw_state.store.owner import Life, life_of
from adw_state.store.records import Execution, execution_from_row, texts_decoded
from adw_state.store.transaction import Row, Transaction


class StaleCheckpoint(NamedTuple):
    """An unfinished execution that has been silent for too long, with its newest checkpoint if it has one."""

    execution_id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    phase: str
    checkpoint_name: str | None
    checkpoint_at: datetime | None
    last_sign_of_life_at: datetime


class Summary(NamedTuple):
    """`counts` by status (only those that occur); the lists hold at most as many rows as asked for.

    `life` tells of each unfinished execution that has an owner or waits, by its id.
    """

    counts: dict[str, int]
    unfinished: list[Execution]
    life: dict[str, Life]
    failed: list[Execution]
    stale: list[StaleCheckpoint]


def summarize(
    tx: Transaction, *, moment: datetime, stale_hours: float, lease_seconds: float, most: int
) -> Summary:
    """The picture at `moment`, from one unchanging state of the database."""
    texts = sql.load("executions")
    counts = {row["status"]: row["executions"] for row in tx.all(texts["count_by_status"])}
    unfinished = [execution_from_row(row) for row in tx.all(texts["unfinished"], {"most": most})]
    return Summary(
        counts=counts,
        unfinished=unfinished,
        life=_life(tx, unfinished, moment, lease_seconds),
        failed=[execution_from_row(row) for row in tx.all(texts["failed_lately"], {"most": most})],
        stale=stale_checkpoints(tx, hours_before(moment, stale_hours), most),
    )


def _life(
    tx: Transaction, unfinished: list[Execution], moment: datetime, lease_seconds: float
) -> dict[str, Life]:
    in_an_attempt = {row["execution_id"] for row in tx.all(sql.load("executions")["with_open_attempt"])}
    found = {}
    for run in unfinished:
        life = life_of(
            run,
            has_open_attempt=run.id in in_an_attempt,
            now=moment,
            lease_seconds=lease_seconds,
        )
        if life is not None:
            found[run.id] = life
    return found


def stale_checkpoints(tx: Transaction, silent_since: datetime, most: int) -> list[StaleCheckpoint]:
    """Unfinished executions silent since then, as the report counts them, last seen first."""
    params = {"silent_since": format_time(silent_since), "environment": None, "most": most}
    return [_stale(row) for row in tx.all(sql.load("reports")["stale_checkpoints"], params)]


def _stale(row: Row) -> StaleCheckpoint:
    values = dict(zip(row.keys(), texts_decoded(row), strict=True))
    values["checkpoint_at"] = parse_time(values["checkpoint_at"]) if values["checkpoint_at"] else None
    values["last_sign_of_life_at"] = parse_time(values["last_sign_of_life_at"])
    return StaleCheckpoint(**{name: values[name] for name in StaleCheckpoint._fields})
