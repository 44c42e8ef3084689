"""The benchmarks measure what they say. How fast anything is, no test asserts."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.cli import run_command
from adw_state.clock import SettableClock
from adw_state.errors import DatabaseNotFoundError, InvalidInputError, NotMigratedError
from adw_state.state import BeadsStateManager
from benchmarks import scratch
from benchmarks.commands import bench, queries
from benchmarks.queries import QueryTiming, time_queries, time_queries_of
from benchmarks.store import GOALS, StoreRatio, compare_store
from benchmarks.timings import summarize, time_repeatedly

Words = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Words:
    """Runs `python -m benchmarks`, or `benchmark_queries.py` where the first word is a flag."""

    def words(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        with pytest.raises(SystemExit) as ended:
            run_command(queries if arguments[0].startswith("-") else bench, "benchmarks")
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err

    return words


def test_every_statement_is_used() -> None:
    folder = Path(scratch.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    texts = scratch.bench_texts()
    assert [name for name in texts if f'"{name.removeprefix("view_")}"' not in code] == []


def test_mean_and_p95_are_those_of_the_runs() -> None:
    timings = summarize([n / 1000 for n in range(100, 0, -1)])
    assert timings.runs == 100
    assert timings.mean_ms == pytest.approx(50.5)
    assert timings.p95_ms == pytest.approx(95.0)
    assert summarize([0.001, 0.003]).p95_ms == pytest.approx(3.0), "of few runs it is the slowest"


def test_work_runs_once_to_warm_up_and_then_as_often_as_asked() -> None:
    calls = []
    assert time_repeatedly(lambda: calls.append(1), 7).runs == 7
    assert len(calls) == 8


def test_a_scratch_database_is_one_that_a_tracker_and_we_would_have_made(
    tmp_path: Path, clock: SettableClock
) -> None:
    path = tmp_path / ".beads" / "beads.db"
    scratch.make_beads_database(path, 20, clock)
    scratch.fill(path, 40, clock)
    with BeadsStateManager(path, clock=clock) as state:
        assert state.check_health().ok
        assert len(state.list_executions(limit=100)) == 40
        run = state.get_execution(scratch.execution_id(0))
        assert run is not None
        assert (clock.now() - run.started_at).days == scratch.DAYS
        assert state.list_checkpoints(run.id)[-1].seq == 6
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        statuses = {row[0] for row in connection.execute("SELECT DISTINCT status FROM adw_executions")}
    assert {"completed", "failed"} <= statuses


def test_every_query_is_timed_at_every_size(clock: SettableClock) -> None:
    said: list[str] = []
    timings = time_queries([3, 30], 2, clock=clock, progress=said.append)
    names = [timing.name for timing in timings if timing.executions == 3]
    assert names == [timing.name for timing in timings if timing.executions == 30]
    assert len(set(names)) == len(names) == 31
    assert {timing.kind for timing in timings} == {"query", "join"}
    assert all(timing.runs == 2 and timing.mean_ms > 0 for timing in timings)
    assert {"view recent_failures", "view success_rate_by_type", "view stale_checkpoints"} <= set(names)
    assert len([name for name in names if name.startswith("live join")]) == 2
    assert "making a database of 30 executions" in said


def test_a_target_is_met_below_it_and_not_at_it() -> None:
    timing = QueryTiming("x", "query", 100, 10, 5.0, 10.0, 10.0)
    assert not timing.on_goal
    assert QueryTiming("x", "query", 100, 10, 5.0, 9.99, 10.0).on_goal


def test_an_existing_database_is_measured_as_it_is(
    beads_state: BeadsStateManager, clock: SettableClock, sidecar_db: Path
) -> None:
    beads_state.create_execution("demo-1")
    beads_state.close()
    before = Path(beads_state.path).read_bytes()
    timings = time_queries_of(beads_state.path, 1, clock=clock)
    assert {timing.executions for timing in timings} == {1}
    assert [timing.name for timing in timings if timing.name.startswith("live join")]
    assert Path(beads_state.path).read_bytes() == before


def test_beside_no_issues_there_is_no_live_join(state: BeadsStateManager, clock: SettableClock) -> None:
    state.create_execution("demo-1")
    timings = time_queries_of(state.path, 1, clock=clock)
    assert not [timing for timing in timings if timing.name.startswith("live join")]


def test_databases_that_cannot_be_measured_are_refused(
    sidecar_db: Path, tracker_db: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="holds no executions"):
        time_queries_of(sidecar_db, 1)
    with pytest.raises(NotMigratedError):
        time_queries_of(tracker_db, 1)
    with pytest.raises(DatabaseNotFoundError):
        time_queries_of(tmp_path / "none.db", 1)


def test_the_store_is_compared_operation_by_operation() -> None:
    ratios = compare_store(rounds=2, operations=3)
    assert [ratio.operation for ratio in ratios] == list(GOALS)
    for ratio in ratios:
        assert ratio.rounds == 2
        assert ratio.lowest_ratio <= ratio.ratio <= ratio.highest_ratio
        assert ratio.operations_per_round == (30 if ratio.operation == "load" else 3)


def test_a_ratio_reaches_its_goal_at_the_goal() -> None:
    assert StoreRatio("save", 1, 1, 0.95, 0.9, 1.0, 1.0, 1.0, 0.95).on_goal
    assert not StoreRatio("save", 1, 1, 0.949, 0.9, 1.0, 1.0, 1.0, 0.95).on_goal


def test_the_queries_can_be_asked_for_as_a_table_and_as_json(run: Words) -> None:
    code, out, err = run("--executions", "5,10", "--iterations", "1")
    assert (code, err) == (0, "")
    assert out.startswith("Queries, iterations: 1\n")
    code, out, _ = run("queries", "--executions", "5", "--iterations", "1", "--json")
    shape = json.loads(out)
    assert shape["schema"] == "adw.bench-queries/1"
    assert shape["targets_ms"] == {"query": 10.0, "join": 20.0}
    assert set(shape["timings"][0]) == {
        "name",
        "kind",
        "executions",
        "runs",
        "mean_ms",
        "p95_ms",
        "target_ms",
    }


@pytest.mark.parametrize("sizes", ["0", "-5", "abc", "", "10,,20", "1e3", "10000001"])
def test_sizes_that_are_none_are_wrong_usage(run: Words, sizes: str) -> None:
    code, out, err = run(f"--executions={sizes}")
    assert (code, out) == (2, "")
    assert "for example 100,500,1000" in err


def test_the_store_and_the_start_can_be_measured_from_the_command(run: Words) -> None:
    code, out, _ = run("store", "--rounds", "1", "--operations", "2", "--json")
    assert code == 0
    assert [ratio["operation"] for ratio in json.loads(out)["ratios"]] == list(GOALS)
    code, out, _ = run("startup", "--rounds", "1", "--json")
    assert code == 0
    assert [ratio["command"] for ratio in json.loads(out)["ratios"]] == [
        "adw --help",
        "adw status",
        "adw status (no project)",
    ]
