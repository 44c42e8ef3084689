"""Runs that were read from files, in tables that the questions can be asked of.

The tables lie in memory and have the names and columns of the store's, so that one set of SQL texts
defines every number for both backends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from adw_state.clock import format_time
from adw_state.log_forms import UNKNOWN
from adw_state.reports.notes import Notebook
from adw_state.reports.run_history import RunHistory
from adw_state.store import sql
from adw_state.store.in_memory import in_memory
from adw_state.store.phase_list import encode_phases
from adw_state.store.transaction import Transaction
from adw_state.store.values import text as storable_text


@contextmanager
def tables_of(runs: Iterable[RunHistory], now: datetime, notebook: Notebook) -> Iterator[Transaction]:
    """A transaction on tables that hold these runs. A run without a start is noted and left out."""
    with in_memory(format_time(now)) as tx:
        texts = sql.load("log_tables")
        for name in ("executions", "executions_by_start", "attempts", "checkpoints"):
            tx.execute(texts[name])
        for run in runs:
            if run.started_at is None:
                notebook.add("runs without a time of start, not counted", run.run_id)
            else:
                _add(tx, texts, run, run.started_at)
        yield tx


def _add(tx: Transaction, texts: dict[str, str], run: RunHistory, started_at: datetime) -> None:
    _insert(
        tx,
        texts["add_execution"],
        id=run.run_id,
        issue_id=run.issue_id or "unknown",
        issue_title=run.issue_title,
        issue_type=run.issue_type,
        workflow=run.workflow or UNKNOWN,
        environment=run.environment,
        phases=encode_phases(run.phases),
        phase=run.phase,
        status=run.status,
        started_at=format_time(started_at),
        updated_at=format_time(run.updated_at or started_at),
        completed_at=format_time(run.completed_at) if run.completed_at else None,
        error_message=run.error_message,
    )
    for attempt in run.attempts:
        _insert(
            tx,
            texts["add_attempt"],
            execution_id=run.run_id,
            phase=attempt.phase,
            place=run.phases.index(attempt.phase) + 1 if attempt.phase in run.phases else None,
            attempt=attempt.attempt,
            status=attempt.status,
            started_at=format_time(attempt.started_at),
            finished_at=format_time(attempt.finished_at) if attempt.finished_at else None,
            duration_seconds=attempt.duration_seconds,
        )
    if run.checkpoint_name is not None and run.checkpoint_at is not None:
        _insert(
            tx,
            texts["add_checkpoint"],
            execution_id=run.run_id,
            checkpoint_name=run.checkpoint_name,
            created_at=format_time(run.checkpoint_at),
        )


def _insert(tx: Transaction, text: str, **values: object) -> None:
    # JSON and names of files can hold what no database takes, such as halves of characters.
    tx.execute(
        text,
        {
            name: storable_text(value, name) if isinstance(value, str) else value
            for name, value in values.items()
        },
    )
