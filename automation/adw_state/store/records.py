"""The rows as Python values: one frozen dataclass per noun, times as UTC datetimes, JSON parsed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw_state.store.json_values import JSON

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
