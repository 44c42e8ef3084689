"""The present in one picture: how many executions are where, what is at work, what failed, what is stale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from adw_state.clock import format_time, hours_before, parse_time
from adw_state.engine.transaction import Row, Transaction
from adw_state.store import sql
from adw_state.store.owner import Life, life_of
from adw_state.store.records import Execution, execution_from_row, texts_decoded


@dataclass(frozen=True, slots=True)
class StaleCheckpoint:
    """An unfinished execution that has been silent for too long, with its newest checkpoint if it has one."""

    execution_id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    phase: str
    checkpoint_name: str | None
    checkpoint_at: datetime | None
    last_sign_of_life_at: datetime
    age_hours: float


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
    silent_since = format_time(hours_before(moment, stale_hours))
    silence = {"silent_since": silent_since, "environment": None, "most": most}
    stale = tx.all(sql.load("reports")["stale_checkpoints"], silence)
    counts = {row["status"]: row["executions"] for row in tx.all(texts["count_by_status"])}
    unfinished = [execution_from_row(row) for row in tx.all(texts["unfinished"], {"most": most})]
    return Summary(
        counts=counts,
        unfinished=unfinished,
        life=_life(tx, unfinished, moment, lease_seconds),
        failed=[execution_from_row(row) for row in tx.all(texts["failed_lately"], {"most": most})],
        stale=[stale_from_row(row, moment) for row in stale],
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


def stale_from_row(row: Row, moment: datetime) -> StaleCheckpoint:
    """A row of the report's statement `stale_checkpoints`, and how long it has been silent at `moment`."""
    *texts, checkpoint_at, last_sign = texts_decoded(row)[:8]
    saved_at = parse_time(checkpoint_at) if checkpoint_at else None
    seen_at = parse_time(last_sign)
    values: list[Any] = [*texts, saved_at, seen_at, (moment - seen_at).total_seconds() / 3600]
    return StaleCheckpoint(*values)
