"""The store against bare sqlite3: durable create, update, save and end, and load.

Two copies of one database with the same schema, on the same disk, in the same run. `raw` keeps one
connection, in WAL mode, synchronous=FULL, foreign keys on, and writes each row as
BEGIN IMMEDIATE, one statement, COMMIT, with its own JSON text; the store does the same through
`BeadsStateManager`. The two take turns, operation by operation, so that whatever else the machine does
meets both. A ratio is raw's time divided by the store's: 1.00 is as fast, 0.50 takes twice as long.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from adw_state.built_in import PHASES
from adw_state.clock import SystemClock, format_time
from adw_state.state import BeadsStateManager
from adw_state.store.json_values import JSON
from adw_state.temporary_files import temporary_folder
from benchmarks import scratch
from benchmarks.scratch import bench_texts
from benchmarks.timings import no_garbage_collection, seconds_for

GOALS = {"create": 0.80, "update": 0.80, "save": 0.83, "end": 0.70, "load": 0.57}
_DATA: dict[str, JSON] = {"files": ["app/login.py"], "notes": "x" * 2000}
_LOADS_PER_WRITE = 10

Operation = Callable[[], object]


@dataclass(frozen=True, slots=True)
class StoreRatio:
    """One operation: how fast the store is in units of raw sqlite3. Rates in operations per second."""

    operation: str
    rounds: int
    operations_per_round: int
    ratio: float
    lowest_ratio: float
    highest_ratio: float
    store_per_second: float
    raw_per_second: float
    goal: float

    @property
    def on_goal(self) -> bool:
        """Whether the median ratio reaches the goal."""
        return self.ratio >= self.goal


def compare_store(
    rounds: int = 15, operations: int = 100, *, progress: Callable[[str], None] | None = None
) -> list[StoreRatio]:
    """Each operation `operations` times per round (load ten times as often), store and raw in turns."""
    with temporary_folder("adw-bench-") as folder:
        ours, bare = folder / "ours" / "beads.db", folder / "raw" / "beads.db"
        scratch.make_beads_database(ours, 1, SystemClock())
        bare.parent.mkdir()
        shutil.copyfile(ours, bare)
        with BeadsStateManager(ours) as state, closing(_connect(bare)) as connection:
            pairs = _pairs(state, connection)
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in pairs}
            for number in range(rounds):
                if progress:
                    progress(f"round {number + 1} of {rounds}")
                for name, (store, raw) in pairs.items():
                    times[name].append(_take_turns(store, raw, _runs(name, operations)))
    return [_ratio(name, found, _runs(name, operations)) for name, found in times.items()]


def _runs(operation: str, operations: int) -> int:
    return operations * _LOADS_PER_WRITE if operation == "load" else operations


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _pairs(
    state: BeadsStateManager, connection: sqlite3.Connection
) -> dict[str, tuple[Operation, Operation]]:
    """Per operation the store's way and the raw way to do it once; `end` ends what `create` has begun."""
    texts, numbers, clock = bench_texts(), count(1), SystemClock()
    begun, raw_begun = deque[str](), deque[str]()
    state.create_execution("bench-1", adw_id="run")
    raw_id = {"id": "run", "execution_id": "run", "issue_id": "bench-1"}
    connection.execute(texts["raw_create"], {**raw_id, "now": format_time(clock.now())})

    def write(name: str, **params: object) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(texts[name], {**raw_id, "now": format_time(clock.now()), **params})
        connection.execute("COMMIT")

    def raw_create() -> None:
        execution_id = f"adw-{next(numbers):022}"
        write("raw_create", id=execution_id)
        raw_begun.append(execution_id)

    def raw_save() -> None:
        number = next(numbers)
        write("raw_save", op_id=f"op-{number:032}", seq=number, data=json.dumps(_DATA))

    return {
        "create": (
            lambda: begun.append(state.create_execution("bench-1").id),
            raw_create,
        ),
        "update": (
            lambda: state.update_execution_status("run", "in_progress", phase=PHASES[next(numbers) % 3]),
            lambda: write("raw_update", phase=PHASES[next(numbers) % 3]),
        ),
        "save": (lambda: state.save_checkpoint("run", "plan", "step", _DATA), raw_save),
        "end": (
            lambda: state.update_execution_status(begun.popleft(), "completed"),
            lambda: write("raw_end", id=raw_begun.popleft()),
        ),
        "load": (
            lambda: state.load_checkpoint("run"),
            lambda: json.loads(connection.execute(texts["raw_load"], raw_id).fetchall()[0][6]),
        ),
    }


def _take_turns(store: Operation, raw: Operation, runs: int) -> tuple[float, float]:
    """The seconds that each took for all its runs."""
    store_seconds = raw_seconds = 0.0
    with no_garbage_collection():
        for number in range(runs):
            if number % 2:
                store_seconds += seconds_for(store)
                raw_seconds += seconds_for(raw)
            else:
                raw_seconds += seconds_for(raw)
                store_seconds += seconds_for(store)
    return store_seconds, raw_seconds


def _ratio(name: str, times: list[tuple[float, float]], runs: int) -> StoreRatio:
    ratios = [raw / store for store, raw in times]
    return StoreRatio(
        operation=name,
        rounds=len(times),
        operations_per_round=runs,
        ratio=median(ratios),
        lowest_ratio=min(ratios),
        highest_ratio=max(ratios),
        store_per_second=runs / median(store for store, _ in times),
        raw_per_second=runs / median(raw for _, raw in times),
        goal=GOALS[name],
    )
