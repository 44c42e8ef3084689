"""`python -m benchmarks`, and the script `benchmark_queries.py`: how fast this is, on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import click

from adw_state.commands.options import common, json_option
from adw_state.commands.output import print_json, print_line, print_progress, print_table, progress_wanted
from adw_state.errors import InvalidInputError
from adw_state.temporary_files import temporary_folder

if TYPE_CHECKING:
    from benchmarks.queries import QueryTiming
    from benchmarks.reconciling import Figure
    from benchmarks.startup import StartupRatio
    from benchmarks.store import StoreRatio


class _Measured(Protocol):
    @property
    def on_goal(self) -> bool: ...


_AnyMeasured = TypeVar("_AnyMeasured", bound=_Measured)
_Columns: TypeAlias = "dict[str, Callable[[_AnyMeasured], object]]"

check_option = click.option("--check", is_flag=True, help="Exit with 1 where a target is missed.")
rounds_option = click.option(
    "--rounds", type=click.IntRange(1, 1000), default=15, show_default=True, help="Their median counts."
)


@click.group()
def bench() -> None:
    """Measure the store, the queries and the start-up time on this machine.

    Scratch databases are made in the temporary folder and removed; set TMPDIR to measure another disk.
    """


@bench.command()
@click.option(
    "--executions", default="100,500,1000", show_default=True, help="Sizes of the scratch databases."
)
@click.option(
    "--iterations",
    type=click.IntRange(1, 100_000),
    default=10,
    show_default=True,
    help="How often each query runs; a p95 of fewer than 20 runs is the slowest.",
)
@check_option
@common
def queries(executions: str, iterations: int, check: bool, db: str | None, as_json: bool) -> None:
    """Time every common query (target 10 ms) and join (20 ms) at each size.

    With --db that database is read as it is, and --executions does not matter.
    """
    from benchmarks.queries import TARGETS_MS, time_queries, time_queries_of

    if db is not None:
        timings = time_queries_of(db, iterations, progress=_progress())
    else:
        timings = time_queries(_sizes(executions), iterations, progress=_progress())
    columns: _Columns[QueryTiming] = {
        "executions": lambda t: t.executions,
        "what": lambda t: t.name,
        "kind": lambda t: t.kind,
        "mean (ms)": lambda t: f"{t.mean_ms:.2f}",
        "p95 (ms)": lambda t: f"{t.p95_ms:.2f}",
        "target (ms)": lambda t: f"{t.target_ms:.0f}",
    }
    if as_json:
        print_json("adw.bench-queries/1", targets_ms=TARGETS_MS, on_goal=_all_met(timings), timings=timings)
    else:
        _print(f"Queries, iterations: {iterations}", columns, timings, flexible=["what"])
        within = sum(timing.on_goal for timing in timings)
        print_line(f"{within} of {len(timings)} within their target.")
    _leave(timings, check=check)


@bench.command()
@rounds_option
@click.option(
    "--operations", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Per round."
)
@check_option
@json_option
def store(rounds: int, operations: int, check: bool, as_json: bool) -> None:
    """Compare durable writes and loads with bare sqlite3 on the same schema, side by side."""
    from benchmarks.store import compare_store

    ratios = compare_store(rounds, operations, progress=_progress())
    columns: _Columns[StoreRatio] = {
        "operation": lambda r: r.operation,
        "ratio": lambda r: f"{r.ratio:.2f}",
        "rounds": lambda r: f"{r.lowest_ratio:.2f} to {r.highest_ratio:.2f}",
        "store per s": lambda r: f"{r.store_per_second:,.0f}",
        "raw per s": lambda r: f"{r.raw_per_second:,.0f}",
        "goal": lambda r: f"{r.goal:.2f}",
    }
    if as_json:
        print_json("adw.bench-store/1", on_goal=_all_met(ratios), ratios=ratios)
    else:
        _print(f"The store in units of raw sqlite3, median of {rounds} rounds", columns, ratios)
    _leave(ratios, check=check)


@bench.command()
@rounds_option
@check_option
@json_option
def startup(rounds: int, check: bool, as_json: bool) -> None:
    """Compare the start of `adw --help` and `adw status` with `python -c "import sqlite3"`."""
    from benchmarks.startup import compare_startup

    ratios = compare_startup(rounds, progress=_progress())
    columns: _Columns[StartupRatio] = {
        "command": lambda r: r.command,
        "ratio": lambda r: f"{r.ratio:.2f}",
        "median (ms)": lambda r: f"{r.median_ms:.1f}",
        "bare (ms)": lambda r: f"{r.bare_median_ms:.1f}",
        "goal": lambda r: f"{r.goal:.2f}",
    }
    if as_json:
        print_json("adw.bench-startup/1", on_goal=_all_met(ratios), ratios=ratios)
    else:
        _print(f"Start-up in units of a bare Python, median of {rounds} rounds", columns, ratios)
    _leave(ratios, check=check)


@bench.command()
@click.option(
    "--executions", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="To open."
)
@click.option(
    "--issues", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="To rename."
)
@check_option
@json_option
def reconciling(executions: int, issues: int, check: bool, as_json: bool) -> None:
    """Time what reconciling adds to an opening, and reconciling after every issue was renamed."""
    from benchmarks.reconciling import measure

    with temporary_folder("adw-bench-") as folder:
        figures = measure(folder, executions=executions, issues=issues)
    columns: _Columns[Figure] = {
        "what": lambda f: f.name,
        "executions": lambda f: f"{f.executions:,}",
        "issues": lambda f: f"{f.issues:,}",
        "rounds": lambda f: f.rounds,
        "mean (ms)": lambda f: f"{f.mean_ms:.2f}",
        "p95 (ms)": lambda f: f"{f.p95_ms:.2f}",
        "target (ms)": lambda f: f"{f.target_ms:g}",
    }
    if as_json:
        print_json("adw.bench-reconciling/1", on_goal=_all_met(figures), figures=figures)
    else:
        _print("What reconciliation costs", columns, figures)
    _leave(figures, check=check)


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is not a list of sizes", hint="write numbers with commas, for example 100,500,1000"
        ) from None


def _all_met(measured: Sequence[_Measured]) -> bool:
    return all(one.on_goal for one in measured)


def _print(
    title: str,
    columns: _Columns[_AnyMeasured],
    measured: Sequence[_AnyMeasured],
    *,
    flexible: Sequence[str] = (),
) -> None:
    """One row for each measured thing, and whether it reaches its goal."""
    rows = [[*(cell(one) for cell in columns.values()), "yes" if one.on_goal else "NO"] for one in measured]
    print_table(title, [*columns, "met"], rows, flexible=flexible)


def _progress() -> Callable[[str], None] | None:
    """Shows what is being done on one line of the terminal, where somebody watches."""
    if not progress_wanted():
        return None
    return print_progress


def _leave(measured: Sequence[_Measured], *, check: bool) -> None:
    if progress_wanted():
        print_progress("")
    sys.exit(1 if check and not _all_met(measured) else 0)
