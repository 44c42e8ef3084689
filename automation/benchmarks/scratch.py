"""Scratch databases: a tracker's file with issues, our migrations applied, filled with executions.

The history is made up but shaped like a real one and the same every time: executions spread evenly over
30 days, seven of ten completed, two failed, 2 % under way, half as many issues as executions, two
checkpoints of 1 KB per attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from adw_state.built_in import PHASES, WORKFLOW
from adw_state.clock import Clock, format_time
from adw_state.engine.transaction import Params, Transaction
from adw_state.schema import migrations
from adw_state.store import sql
from adw_state.store.database import Database
from adw_state.store.records import encode_phases
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue

DAYS = 30
_TEXTS = Path(__file__).with_name("bench.sql")
_TYPES = ("bug", "feature", "task", "chore", "epic")
_STATUSES = ("completed",) * 70 + ("failed",) * 20 + ("cancelled",) * 8 + ("in_progress", "pending")
_DATA = '{"files": ["' + "x" * 1000 + '"]}'
_PER_TRANSACTION = 1000


@cache
def bench_texts() -> dict[str, str]:
    """The statements of `bench.sql`, by name."""
    return sql.read(_TEXTS)


def make_beads_database(path: Path, issues: int, clock: Clock) -> None:
    """A tracker's file with this many issues, and our tables in it, still empty."""
    rows = [
        Issue(f"bench-{number}", f"Issue number {number}", _TYPES[number % len(_TYPES)], number % 5)
        for number in range(1, issues + 1)
    ]
    create_beads_database(path, "bench", rows, clock.now())
    migrations.apply(path, backup_folder=path.parent / "backups", clock=clock)


def fill(path: Path, executions: int, clock: Clock) -> None:
    """Put a made-up history of `executions` runs into a database that `make_beads_database` made."""
    issues = max(1, executions // 2)
    with closing(Database(path, clock=clock)) as database:
        for first in range(0, executions, _PER_TRANSACTION):
            numbers = range(first, min(first + _PER_TRANSACTION, executions))

            def unit(tx: Transaction, numbers: range = numbers) -> None:
                for number in numbers:
                    _add(tx, number, issues, _started_at(number, executions, clock.now()))

            database.write(unit)


def execution_id(number: int) -> str:
    """The id of the execution with this number of a filled database."""
    return f"adw-bench{number:017}"


def _started_at(number: int, executions: int, now: datetime) -> datetime:
    return now - timedelta(days=DAYS) * (executions - number) / executions


def _add(tx: Transaction, number: int, issues: int, started_at: datetime) -> None:
    texts = bench_texts()
    status = _STATUSES[number * 37 % len(_STATUSES)]
    reached = len(PHASES) if status == "completed" else number % len(PHASES) + 1
    issue = number % issues + 1
    tx.execute(
        texts["add_execution"],
        {
            "id": execution_id(number),
            "issue_id": f"bench-{issue}",
            "issue_title": f"Issue number {issue}",
            "issue_type": _TYPES[issue % len(_TYPES)],
            "issue_priority": issue % 5,
            "workflow": WORKFLOW,
            "phases": encode_phases(PHASES),
            "phase": PHASES[reached - 1],
            "status": status,
            "started_at": format_time(started_at),
            "completed_at": None
            if status in ("in_progress", "pending")
            else format_time(started_at + timedelta(hours=1)),
            "error_message": f"{number % 7} tests failed in app/part_{number}.py"
            if status == "failed"
            else None,
        },
    )
    if status != "pending":
        _add_attempts(tx, texts, number, reached, status, started_at)


def _add_attempts(
    tx: Transaction, texts: dict[str, str], number: int, reached: int, status: str, started_at: datetime
) -> None:
    for place, phase in enumerate(PHASES[:reached], start=1):
        last = place == reached
        end = {"failed": "failed", "in_progress": "in_progress", "cancelled": "interrupted"}.get(status)
        seconds = 60.0 + number * 7919 % 1200
        tx.execute(
            texts["add_attempt"],
            {
                "execution_id": execution_id(number),
                "phase": phase,
                "place": place,
                "status": end if last and end else "completed",
                "started_at": format_time(started_at),
                "finished_at": None if last and end == "in_progress" else format_time(started_at),
                "duration_seconds": None if last and end == "in_progress" else seconds,
            },
        )
        for checkpoint in _checkpoints(number, place - 1, phase, started_at):
            tx.execute(texts["add_checkpoint"], checkpoint)


def _checkpoints(number: int, place: int, phase: str, started_at: datetime) -> Iterator[Params]:
    for step in (1, 2):
        seq = 2 * place + step
        yield {
            "op_id": f"{execution_id(number)}-{seq}",
            "execution_id": execution_id(number),
            "seq": seq,
            "phase": phase,
            "checkpoint_name": f"{phase}_step_{step}",
            "checkpoint_data": _DATA,
            "created_at": format_time(started_at),
        }
