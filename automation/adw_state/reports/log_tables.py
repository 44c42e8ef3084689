"""Runs that were read from files, in tables that the questions can be asked of.

The tables lie in memory and have the names and columns of the store's, so that one set of SQL texts
defines every number for both backends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime

from adw_state.clock import format_time
from adw_state.reports.notes import Notebook
from adw_state.reports.run_history import AttemptHistory, RunHistory
from adw_state.store import sql
from adw_state.store.migration_files import known
from adw_state.store.records import encode_phases
from adw_state.store.transaction import Transaction, in_memory
from adw_state.store.values import text as storable_text


@contextmanager
def tables_of(runs: Iterable[RunHistory], now: datetime, notebook: Notebook) -> Iterator[Transaction]:
    """A transaction on tables that hold these runs. A run without a start is noted and left out."""
    with in_memory(format_time(now)) as tx:
        texts = sql.load("log_tables")
        for name in ("executions", "executions_by_start", "attempts", "checkpoints"):
            tx.execute(texts[name])
        for statement in _views():
            tx.execute(statement)
        for run in runs:
            if run.started_at is None:
                notebook.add("runs without a start time, not counted", run.run_id)
            else:
                _add(tx, texts, run)
        yield tx


def _views() -> list[str]:
    """The statements that make the views of our tables; here they stand over the tables in memory."""
    (views,) = (migration for migration in known() if migration.name == "create_views")
    return views.up(beside_issues=False)


def _add(tx: Transaction, texts: dict[str, str], run: RunHistory) -> None:
    tx.execute(texts["add_execution"], _values(run))
    for attempt in run.attempts:
        place = run.phases.index(attempt.phase) + 1 if attempt.phase in run.phases else None
        tx.execute(texts["add_attempt"], {**_values(attempt), "run_id": run.run_id, "place": place})
    if run.checkpoint_name is not None and run.checkpoint_at is not None:
        tx.execute(texts["add_checkpoint"], _values(run))


def _values(record: RunHistory | AttemptHistory) -> dict[str, object]:
    """The fields of a record as a database takes them; a text takes those that it names."""
    return {field.name: _storable(field.name, getattr(record, field.name)) for field in fields(record)}


def _storable(name: str, value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return encode_phases([str(_storable(name, phase)) for phase in value])
    # JSON and names of files can hold what no database takes, such as halves of characters.
    return storable_text(value, name) if isinstance(value, str) else value
