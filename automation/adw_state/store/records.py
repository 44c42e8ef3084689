"""The rows as Python values: one frozen dataclass per noun, times as UTC datetimes, JSON parsed.

Others may have stored what we would not: bytes that are not UTF-8, a blob where a text belongs, a list of
phases that is none. One such row must not keep the others from being read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from adw_state.clock import parse_time
from adw_state.errors import StoreFaultError
from adw_state.store.json_values import JSON, decode, encode

EXECUTION_STATUSES = ("pending", "in_progress", "waiting", "completed", "failed", "cancelled")
UNFINISHED = ("pending", "in_progress", "waiting")
ENDED = ("completed", "failed", "cancelled")
ATTEMPT_STATUSES = ("in_progress", "completed", "failed", "interrupted")
WAITING_FOR = ("person", "limit", "event")
COST_KINDS = ("reported", "estimated", "unknown")


@dataclass(frozen=True, slots=True)
class IssueSnapshot:
    """What an execution remembers of its issue: the state at its start."""

    title: str | None = None
    issue_type: str | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a workflow on an issue. Fields are the columns of adw_executions, in their order.

    `phases` are the workflow's, in order, as they were when the run began. One that is waiting has no
    process: `waiting_for` says for what, `waiting_until` until when, `release_by` how it is released.
    """

    id: str
    issue_id: str
    workflow: str
    environment: str
    phases: tuple[str, ...]
    phase: str
    status: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    owner: str | None = None
    fence: int = 0
    claimed: bool = False
    waiting_for: str | None = None
    waiting_until: datetime | None = None
    release_by: str | None = None
    error_message: str | None = None
    issue_title: str | None = None
    issue_type: str | None = None
    issue_priority: int | None = None
    base_commit: str | None = None
    worktree_name: str | None = None
    worktree_path: str | None = None
    branch_name: str | None = None
    plan_file: str | None = None
    pr_created: bool = False
    pr_url: str | None = None
    extra_data: JSON = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one phase of one execution. Fields are the columns of adw_phase_attempts, in their order.

    `place` is that of the phase in the execution's list, from 1. Costs in US dollars, durations in seconds;
    `input_tokens` are those that no cache was asked for.
    """

    execution_id: str
    phase: str
    place: int
    attempt: int
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    duration_seconds: float | None = None
    error_class: str | None = None
    error_message: str | None = None
    exit_code: int | None = None
    agent: str | None = None
    model: str | None = None
    session_id: str | None = None
    prompt_sha256: str | None = None
    workflow_sha256: str | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A named, saved step of an execution; the newest is the one with the highest seq."""

    op_id: str
    execution_id: str
    seq: int
    phase: str
    attempt: int
    checkpoint_name: str
    data: JSON
    created_at: datetime


Record = TypeVar("Record", Execution, Attempt, Checkpoint)


def encode_phases(phases: Sequence[str]) -> str:
    """A list of phases as it is stored."""
    return encode(list(phases), "the list of phases")


@lru_cache(maxsize=256)
def decode_phases(text: str) -> tuple[str, ...]:
    """The phases of a stored list; none where somebody else stored something that is no list."""
    value = decode(text)
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def texts_decoded(row: Iterable[Any]) -> list[Any]:
    """The values of a row, with texts in the place of blobs; our tables have no column for bytes."""
    values = list(row)
    if bytes in map(type, values):
        return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    return values


def _optional_time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _optional_json(text: str | None) -> JSON:
    return decode(text) if text else None


# The columns that are neither texts nor numbers; all else is as it is stored.
_READERS: dict[str, Callable[[Any], object]] = {
    "phases": decode_phases,
    "started_at": parse_time,
    "updated_at": parse_time,
    "created_at": parse_time,
    "completed_at": _optional_time,
    "finished_at": _optional_time,
    "heartbeat_at": _optional_time,
    "waiting_until": _optional_time,
    "claimed": bool,
    "pr_created": bool,
    "extra_data": _optional_json,
    "data": decode,
}


def _reader_of(record: type[Record], table: str) -> Callable[[Iterable[Any]], Record]:
    """What reads a row of this table, whose first columns are the fields of the record, in their order."""
    names = [field.name for field in fields(record)]
    readers = [(position, _READERS[name]) for position, name in enumerate(names) if name in _READERS]

    def read_row(row: Iterable[Any]) -> Record:
        values = texts_decoded(row)[: len(names)]  # somebody may have added columns behind ours
        if len(values) < len(names):
            raise StoreFaultError(
                f"the table {table} has lost {len(names) - len(values)} of its {len(names)} columns",
                hint="`adw doctor` names the commands that bring them back",
            )
        for position, read in readers:
            values[position] = read(values[position])
        return record(*values)

    return read_row


execution_from_row = _reader_of(Execution, "adw_executions")
attempt_from_row = _reader_of(Attempt, "adw_phase_attempts")
checkpoint_from_row = _reader_of(Checkpoint, "adw_checkpoints")
