"""Real bd programs and our tables in one file: nobody breaks, nothing is lost, everybody stays together.

The cells that the selected tests ask for run in the background, a few at a time; each test waits for its
own. `python -m benchmarks trackers` runs every flow with every version and shows the table; here the two
versions in the middle run only the flows in which versions differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from adws.tests.beside_beads.matrix import grid
from adws.tests.beside_beads.matrix.flows import FLOWS, VERSIONS, flow
from adws.tests.beside_beads.matrix.schemas import Naive, Ours, Schema
from adws.tests.beside_beads.trackers import needs_bd

GetCell = Callable[[str, str, str], grid.Cell]

_IN_THE_MIDDLE = ("0.30.6", "0.34.0")
_TELLING = {
    "create",
    "delete",
    "rename-prefix",
    "migrate-hash-ids",
    "import re-identified line",
    "auto-import",
    "multi-repo, rename-prefix",
    "beside the daemon",
}
_CELLS = [
    (version, found.name)
    for version, found in grid.pairs(VERSIONS, FLOWS)
    if version not in _IN_THE_MIDDLE or found.name in _TELLING or found.made_by
]

_VIEW = "error in view"
_LOST = "rows lost"
_WRONG = "wrong issue"
_NAIVE_FAILURES = [
    ("0.30.6", "create", _VIEW),  # rebuilds issues whenever it opens the file
    ("0.34.0", "update", _VIEW),
    ("0.30.6", "upgrade from 0.17.7", _VIEW),
    ("0.34.0", "upgrade from 0.29.0", _VIEW),
    ("0.49.6", "upgrade from 0.29.0", _VIEW),
    ("0.49.6", "upgrade from 0.34.0", _VIEW),
    ("0.17.7", "delete", _LOST),
    ("0.29.0", "delete", _LOST),
    ("0.29.0", "purge by manifest", _LOST),
    ("0.29.0", "import re-identified line", _LOST),
    ("0.49.6", "auto-import", _LOST),
    ("0.17.7", "rename-prefix", _WRONG),
    ("0.17.7", "renumber after a delete", _WRONG),
    ("0.49.6", "rename-prefix", _WRONG),
    ("0.49.6", "rename: two swap ids", _WRONG),
    ("0.49.6", "multi-repo, rename-prefix", "foreign key violation in imported data"),
]


@pytest.fixture(scope="module")
def cell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GetCell]:
    """The cell of a version, a flow and a schema, once it has run."""
    needs_bd(*VERSIONS)
    schemas: dict[str, Schema] = {"ours": Ours(), "naive": Naive()}
    wanted = [
        cast("tuple[str, str, str]", item.callspec.params["which"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    run = grid.Matrix(tmp_path_factory.mktemp("m"))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = {
            key: pool.submit(run.run, key[0], flow(key[1]), schemas[key[2]]) for key in dict.fromkeys(wanted)
        }
        yield lambda version, name, schema: running[version, name, schema].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("which", [(version, name, "ours") for version, name in _CELLS], ids=" ".join)
def test_bd_and_our_rows_come_through(which: tuple[str, str, str], cell: GetCell) -> None:
    found = cell(*which)
    assert found.problems == ()
    assert found.rows_live + found.rows_archived >= found.rows_before == 5


@pytest.mark.parametrize(
    ("which", "problem"),
    [((version, name, "naive"), problem) for version, name, problem in _NAIVE_FAILURES],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_tables_that_one_would_naively_write_do_not(
    which: tuple[str, str, str], problem: str, cell: GetCell
) -> None:
    assert problem in "\n".join(cell(*which).problems)


@pytest.mark.parametrize(
    "which",
    [
        ("0.17.7", "create", "naive"),
        ("0.49.6", "create", "naive"),
        ("0.29.0", "upgrade from 0.17.7", "naive"),
    ],
    ids=" ".join,
)
def test_even_those_come_through_where_nothing_happens_to_them(
    which: tuple[str, str, str], cell: GetCell
) -> None:
    assert cell(*which).problems == ()
