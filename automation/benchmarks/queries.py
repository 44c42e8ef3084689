"""The common queries and joins, timed on databases of several sizes.

Every query runs as the program runs it: through the kept connections, fetched to the end, made into
values. The targets are 10 ms for a query on one table and 20 ms for a join, at p95.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.clock import Clock, default_clock, format_time, hours_before
from adw_state.engine.transaction import Params
from adw_state.errors import InvalidInputError
from adw_state.reports.executions import MOST_RECENT, MOST_STALE
from adw_state.reports.section import last_hours
from adw_state.state import BeadsStateManager
from adw_state.store import opening, sql
from adw_state.store.database import Database
from adw_state.temporary_files import temporary_folder
from benchmarks import scratch
from benchmarks.scratch import bench_texts
from benchmarks.timings import time_repeatedly

TARGETS_MS = {"query": 10.0, "join": 20.0}
_REPORTS = {
    "success_by_issue_type": "query",
    "failed_executions": "query",
    "recent_executions": "join",
    "phase_funnel": "join",
    "attempts_by_phase": "join",
    "completed_durations": "join",
}
_VIEWS = {"recent_failures": "query", "success_rate_by_type": "query", "stale_checkpoints": "join"}
_WINDOWS = {"24 h": 24.0, "7 d": 168.0, "30 d": 24.0 * scratch.DAYS}
_MOST_EXECUTIONS = 1_000_000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class QueryTiming:
    """One query at one size. `kind` is query or join; times in milliseconds."""

    name: str
    kind: str
    executions: int
    runs: int
    mean_ms: float
    p95_ms: float
    target_ms: float

    @property
    def on_goal(self) -> bool:
        """Whether its p95 is below the target."""
        return self.p95_ms < self.target_ms


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    kind: str
    work: Callable[[], object]


def time_queries(
    sizes: Iterable[int], iterations: int, *, clock: Clock | None = None, progress: Progress | None = None
) -> list[QueryTiming]:
    """Every query, on a scratch database of each size, `iterations` times."""
    clock, tell = clock or default_clock(), progress or _say_nothing
    timings = []
    for size in _checked(sizes):
        with temporary_folder("adw-bench-") as folder:
            path = folder / ".beads" / "beads.db"
            tell(f"making a database of {size:,} executions")
            scratch.make_beads_database(path, max(1, size // 2), clock)
            scratch.fill(path, size, clock)
            timings += _time(path, size, iterations, clock, tell)
    return timings


def time_queries_of(
    path: str | os.PathLike[str],
    iterations: int,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> list[QueryTiming]:
    """Every query on an existing database, which is only read."""
    clock = clock or default_clock()
    with closing(Database(path, clock=clock)) as database:
        opening.inspect(database)
        size = database.select(bench_texts()["how_many"])[0]["executions"]
    if size == 0:
        raise InvalidInputError(
            f"{path} holds no executions", hint="leave --db away to measure a scratch database"
        )
    return _time(Path(path), size, iterations, clock, progress or _say_nothing)


def _time(path: Path, size: int, iterations: int, clock: Clock, tell: Progress) -> list[QueryTiming]:
    timings = []
    with BeadsStateManager(path, clock=clock) as state, closing(Database(path, clock=clock)) as database:
        tasks = [*_store_tasks(state, database), *_report_tasks(database, clock), *_view_tasks(database)]
        if opening.inspect(database):
            tasks += _issue_tasks(database, clock)
        for task in tasks:
            tell(f"{size:,} executions: {task.name}")
            took = time_repeatedly(task.work, iterations)
            target = TARGETS_MS[task.kind]
            timings.append(
                QueryTiming(task.name, task.kind, size, took.runs, took.mean_ms, took.p95_ms, target)
            )
    return timings


def _store_tasks(state: BeadsStateManager, database: Database) -> list[_Task]:
    row = database.select(bench_texts()["some_execution"])[0]
    run_id, issue_id = row["id"], row["issue_id"]
    return [
        _Task("one execution", "query", lambda: state.get_execution(run_id)),
        _Task("newest checkpoint of one", "query", lambda: state.load_checkpoint(run_id)),
        _Task("checkpoints of one", "query", lambda: state.list_checkpoints(run_id)),
        _Task("attempts of one", "query", lambda: state.list_attempts(run_id)),
        _Task("newest 100 executions", "query", state.list_executions),
        _Task("newest 100 failed", "query", lambda: state.list_executions(status="failed")),
        _Task("executions of one issue", "query", lambda: state.list_executions(issue_id=issue_id)),
    ]


def _report_tasks(database: Database, clock: Clock) -> list[_Task]:
    texts = sql.load("reports")
    tasks = []
    for label, hours in _WINDOWS.items():
        window = last_hours(hours, clock=clock)
        for name, kind in _REPORTS.items():
            params = {**window.params(), "most": MOST_RECENT}
            ask = _asking_for_tuples if name == "completed_durations" else _asking  # as the report does
            tasks.append(_Task(f"{name}, {label}", kind, ask(database, texts[name], params)))
    silent_since = format_time(hours_before(clock.now(), 24))
    params = {"environment": None, "silent_since": silent_since, "most": MOST_STALE}
    return [*tasks, _Task("stale_checkpoints", "join", _asking(database, texts["stale_checkpoints"], params))]


def _view_tasks(database: Database) -> list[_Task]:
    texts = bench_texts()
    return [
        _Task(f"view {name}", kind, _asking(database, texts[f"view_{name}"], {}))
        for name, kind in _VIEWS.items()
    ]


def _issue_tasks(database: Database, clock: Clock) -> list[_Task]:
    texts, window = bench_texts(), last_hours(24, clock=clock)
    return [
        _Task(f"live join: {name}", "join", _asking(database, texts[name], window.params()))
        for name in ("executions_with_their_issues", "success_by_issue_status")
    ]


def _asking(database: Database, text: str, params: Params) -> Callable[[], object]:
    return lambda: database.select(text, params)


def _asking_for_tuples(database: Database, text: str, params: Params) -> Callable[[], object]:
    return lambda: database.read(lambda tx: tx.tuples(text, params))


def _checked(sizes: Iterable[int]) -> list[int]:
    listed = list(sizes)
    if not listed or not all(1 <= size <= _MOST_EXECUTIONS for size in listed):
        raise InvalidInputError(
            f"sizes must be numbers of executions from 1 to {_MOST_EXECUTIONS:,}, not {listed}",
            hint="for example 100,500,1000",
        )
    return listed


def _say_nothing(_: str) -> None:
    pass
