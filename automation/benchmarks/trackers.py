"""Run real bd programs beside our tables, flow by flow and version by version, and show what became of them.

    uv run python -m benchmarks trackers
    uv run python -m benchmarks trackers --bd 0.49.6 --flow rename-prefix
    uv run python -m benchmarks trackers --naive        (the control: it must fail)
    uv run python -m benchmarks trackers --json

Needs the real bd programs as `bd-VERSION` in the folder that ADW_TEST_TRACKERS names, else in
~/.cache/adw-state/trackers. Exit codes: 0 every cell is ok, 1 one is not, 2 wrong use, 4 the programs are not
there.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from adw_state.commands.output import print_text
from adw_state.errors import InvalidInputError, TrackerUnusableError


@click.command()
@click.option("--bd", "versions", multiple=True, help="Only this version of bd; may be repeated.")
@click.option("--flow", "names", multiple=True, help="Only the flow of this name; may be repeated.")
@click.option("--naive", is_flag=True, help="With the tables that one would naively write.")
@click.option("--jobs", type=click.IntRange(1, 16), default=os.cpu_count() or 1, help="Cells at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object per cell.")
def trackers(
    versions: tuple[str, ...], names: tuple[str, ...], *, naive: bool, jobs: int, as_json: bool
) -> None:
    """Show how every flow goes with every version of bd that has it."""
    from adws.tests.beside_beads.matrix import flows, grid
    from adws.tests.beside_beads.matrix.schemas import Naive, Ours, Schema
    from adws.tests.beside_beads.trackers import bd_program
    from adws.tests.conftest import REAL_TRACKERS

    _require_known(versions, flows.VERSIONS, "version")
    _require_known(names, [flow.name for flow in flows.FLOWS], "flow")
    chosen = list(
        grid.pairs(versions or flows.VERSIONS, [f for f in flows.FLOWS if not names or f.name in names])
    )
    if not all(bd_program(version) for version in versions or flows.VERSIONS):
        raise TrackerUnusableError(
            f"real bd programs are not in {REAL_TRACKERS}",
            hint="put them there as bd-VERSION, or name their folder in ADW_TEST_TRACKERS",
        )
    schema: Schema = Naive() if naive else Ours()
    with tempfile.TemporaryDirectory(prefix="adw-matrix-") as folder:
        cells = grid.Matrix(Path(folder)).run_all(chosen, schema, jobs)
    print_text((grid.as_json(cells) if as_json else grid.table(cells)) + "\n")
    if not all(cell.ok for cell in cells):
        raise SystemExit(1)


def _require_known(given: tuple[str, ...], known: list[str] | tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidInputError(f"there is no {what} {name!r}", hint=f"choose from: {', '.join(known)}")
