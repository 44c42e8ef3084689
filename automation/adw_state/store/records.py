"""The rows as Python values: one frozen dataclass per noun, times as UTC datetimes, JSON parsed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw_state.store.json_values import JSON

PHASES = ("plan", "build", "review")
EXECUTION_STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
UNFINISHED = ("pending", "in_progress")
ENDED = ("completed", "failed", "cancelled")
ATTEMPT_STATUSES = ("in_progress", "completed", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class IssueSnapshot:
    """What an execution remembers of its issue: the state at its start."""

    title: str | None = None
    issue_type: str | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """One workflow run on an issue, from plan to review. Fields are the columns of adw_executions."""

    id: str
    issue_id: str
    issue_title: str | None
    issue_type: str | None
    issue_priority: int | None
    workflow: str
    environment: str
    phase: str
    status: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    heartbeat_at: datetime | None
    owner: str | None
    fence: int
    claimed: bool
    error_message: str | None
    worktree_name: str | None
    worktree_path: str | None
    branch_name: str | None
    plan_file: str | None
    pr_created: bool
    pr_url: str | None
    extra_data: JSON


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one phase of one execution. Costs in US dollars, durations in seconds."""

    execution_id: str
    phase: str
    attempt: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    error_message: str | None
    exit_code: int | None
    agent: str | None
    model: str | None
    session_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


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
