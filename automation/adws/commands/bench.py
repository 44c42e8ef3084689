"""`adw bench`, and the script `benchmark_queries.py`: how fast this is, on this machine."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from adws.adw_modules.errors import InvalidInputError
from adws.commands.options import common, json_option
from adws.commands.output import print_json, print_table, progress_wanted

check_option = click.option("--check", is_flag=True, help="Leave with 1 where a target is missed.")
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
    from adws.adw_modules.bench.queries import TARGETS_MS, time_queries, time_queries_of

    if db is not None:
        timings = time_queries_of(db, iterations, progress=_progress())
    else:
        timings = time_queries(_sizes(executions), iterations, progress=_progress())
    missed = [timing for timing in timings if not timing.on_target]
    if as_json:
        print_json("adw.bench-queries/1", targets_ms=TARGETS_MS, on_target=not missed, timings=timings)
    else:
        rows = [
            [
                t.executions,
                t.name,
                t.kind,
                f"{t.mean_ms:.2f}",
                f"{t.p95_ms:.2f}",
                f"{t.target_ms:.0f}",
                _met(t.on_target),
            ]
            for t in timings
        ]
        columns = ["executions", "what", "kind", "mean (ms)", "p95 (ms)", "target (ms)", "met"]
        print_table(f"Queries, iterations: {iterations}", columns, rows, flexible=["what"])
        click.echo(f"{len(timings) - len(missed)} of {len(timings)} within their target.")
    _leave(missed, check=check)


@bench.command()
@rounds_option
@click.option(
    "--operations", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Per round."
)
@check_option
@json_option
def store(rounds: int, operations: int, check: bool, as_json: bool) -> None:
    """Compare durable writes and loads with bare sqlite3 on the same schema, side by side."""
    from adws.adw_modules.bench.store import compare_store

    ratios = compare_store(rounds, operations, progress=_progress())
    missed = [ratio for ratio in ratios if not ratio.on_goal]
    if as_json:
        print_json("adw.bench-store/1", on_goal=not missed, ratios=ratios)
    else:
        rows = [
            [
                r.operation,
                f"{r.ratio:.2f}",
                f"{r.lowest_ratio:.2f} to {r.highest_ratio:.2f}",
                f"{r.store_per_second:,.0f}",
                f"{r.raw_per_second:,.0f}",
                f"{r.goal:.2f}",
                _met(r.on_goal),
            ]
            for r in ratios
        ]
        columns = ["operation", "ratio", "rounds", "store per s", "raw per s", "goal", "met"]
        print_table(f"The store in units of raw sqlite3, median of {rounds} rounds", columns, rows)
    _leave(missed, check=check)


@bench.command()
@rounds_option
@check_option
@json_option
def startup(rounds: int, check: bool, as_json: bool) -> None:
    """Compare the start of `adw --help` and `adw status` with `python -c "import sqlite3"`."""
    from adws.adw_modules.bench.startup import compare_startup

    ratios = compare_startup(rounds, progress=_progress())
    missed = [ratio for ratio in ratios if not ratio.on_goal]
    if as_json:
        print_json("adw.bench-startup/1", on_goal=not missed, ratios=ratios)
    else:
        rows = [
            [
                r.command,
                f"{r.ratio:.2f}",
                f"{r.median_ms:.1f}",
                f"{r.bare_median_ms:.1f}",
                f"{r.goal:.2f}",
                _met(r.on_goal),
            ]
            for r in ratios
        ]
        columns = ["command", "ratio", "median (ms)", "bare (ms)", "goal", "met"]
        print_table(f"Start-up in units of a bare Python, median of {rounds} rounds", columns, rows)
    _leave(missed, check=check)


@bench.command()
@click.option(
    "--executions", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="To open."
)
@click.option(
    "--issues", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="To rename."
)
@check_option
@json_option
def healing(executions: int, issues: int, check: bool, as_json: bool) -> None:
    """Time what healing adds to opening a healthy database, and healing after every issue was renamed."""
    from adws.adw_modules.bench.healing import measure

    with tempfile.TemporaryDirectory(prefix="adw-bench-") as folder:
        figures = measure(Path(folder), executions=executions, issues=issues)
    missed = [figure for figure in figures if not figure.ok]
    if as_json:
        print_json("adw.bench-healing/1", on_target=not missed, figures=figures)
    else:
        rows = [
            [
                f.name,
                f"{f.executions:,}",
                f"{f.issues:,}",
                f.rounds,
                f"{f.mean_ms:.2f}",
                f"{f.p95_ms:.2f}",
                f"{f.target_ms:g}",
                _met(f.ok),
            ]
            for f in figures
        ]
        columns = ["what", "executions", "issues", "rounds", "mean (ms)", "p95 (ms)", "target (ms)", "met"]
        print_table("What healing costs", columns, rows)
    _leave(missed, check=check)


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is not a list of sizes", hint="write numbers with commas, for example 100,500,1000"
        ) from None


def _met(reached: bool) -> str:
    return "yes" if reached else "NO"


def _progress() -> Callable[[str], None] | None:
    """Shows what is being done on one line of the terminal, where somebody watches."""
    if not progress_wanted():
        return None
    return lambda text: click.echo(f"\r\x1b[K{text}", err=True, nl=False)


def _leave(missed: Sequence[object], *, check: bool) -> None:
    if progress_wanted():
        click.echo("\r\x1b[K", err=True, nl=False)
    sys.exit(1 if check and missed else 0)
