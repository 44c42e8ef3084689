"""What of ours a database holds, live and archived, to compare before with after."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from adw_state.state import BeadsStateManager
from adw_state.store.records import Execution
from adw_state.store.runs import ATTEMPT_COLUMNS, CHECKPOINT_COLUMNS, EXECUTION_COLUMNS

VIEWS = ("recent_failures", "stale_checkpoints", "success_rate_by_type")


def run_on(state: BeadsStateManager, issue_id: str, *, claim: bool = False) -> Execution:
    """An execution of this issue with an attempt and two checkpoints."""
    run = state.create_execution(
        issue_id, first_checkpoint=("started", {"of": issue_id}), owner="tester", claim=claim
    )
    attempt = state.start_attempt(run.id, "plan", agent="scripted")
    state.save_checkpoint(run.id, "plan", "plan_written", {"file": "plan.md"})
    state.finish_attempt(attempt, "completed", cost_usd=0.25)
    return run


def rows(path: Path, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    """Every row of an answer, read without writing."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return [tuple(row) for row in connection.execute(query, values).fetchall()]


def live(path: Path) -> dict[str, str]:
    """The issue of every live execution."""
    found = rows(path, "SELECT id, issue_id FROM adw_executions")
    return {str(execution): str(issue) for execution, issue in found}


def archived(path: Path) -> dict[str, tuple[str, str]]:
    """The issue of every archived execution, and why it is there."""
    found = rows(path, "SELECT id, issue_id, archive_reason FROM adw_executions_archive")
    return {str(execution): (str(issue), str(reason)) for execution, issue, reason in found}


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every execution, attempt and checkpoint, live or archived, without the issue's id and the claim.

    Those two may change when rows are reconciled; nothing else may.
    """
    execution = ", ".join(name for name in EXECUTION_COLUMNS if name not in ("issue_id", "claimed"))
    attempt, checkpoint = ", ".join(ATTEMPT_COLUMNS), ", ".join(CHECKPOINT_COLUMNS)
    tables = {
        "adw_executions": execution,
        "adw_phase_attempts": attempt,
        "adw_checkpoints": checkpoint,
    }
    return {
        table: rows(
            path,
            f"SELECT {columns} FROM {table} UNION ALL SELECT {columns} FROM {table}_archive"
            " ORDER BY 1, 2, 3, 4",
        )
        for table, columns in tables.items()
    }


def complaints(path: Path) -> list[tuple[object, ...]]:
    """What SQLite itself has to say against the file; empty for a sound one."""
    damage = [row for row in rows(path, "PRAGMA integrity_check") if row != ("ok",)]
    return [*rows(path, "PRAGMA foreign_key_check"), *damage]


def reconciliations(path: Path) -> list[tuple[object, ...]]:
    """What the audit table holds, oldest first: kind, old issue, new issue, executions."""
    return rows(
        path, "SELECT kind, old_issue_id, new_issue_id, executions FROM adw_reconciliations ORDER BY seq"
    )
