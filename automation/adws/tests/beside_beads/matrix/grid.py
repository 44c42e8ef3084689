"""The whole matrix: every flow with every version, one fresh project each."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from time import perf_counter

from adws.tests.beside_beads.matrix import projects, verdict
from adws.tests.beside_beads.matrix.flows import FLOWS, VERSIONS, Flow
from adws.tests.beside_beads.matrix.projects import BdRefusedError, Project
from adws.tests.beside_beads.matrix.schemas import Schema
from adws.tests.beside_beads.trackers import RealBd, bd_program
from adws.tests.conftest import REAL_TRACKERS


@dataclass(frozen=True)
class Cell:
    """How one flow went with one version. Rows are executions; `reconciled` counts them by kind."""

    version: str
    flow: str
    schema: str
    ok: bool
    problems: tuple[str, ...]
    rows_before: int
    rows_live: int
    rows_archived: int
    reconciled: dict[str, int]
    seconds: float


class Matrix:
    """Runs cells in a folder of its own, from one template per version and schema; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._home.mkdir(parents=True, exist_ok=True)
        self._templates: dict[tuple[str, str], Project] = {}
        self._making = Lock()
        self._numbers = count(1)

    def run_all(self, pairs: Iterable[tuple[str, Flow]], schema: Schema, jobs: int) -> list[Cell]:
        """The cells of these pairs in their order, `jobs` of them at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(lambda pair: self.run(pair[0], pair[1], schema), pairs))

    def run(self, version: str, flow: Flow, schema: Schema) -> Cell:
        """One flow with one version of bd, from a fresh copy; problems are reported, not raised."""
        with self._making:
            template = self._template(flow.made_by or version, schema)
        top = self._folder / f"p{next(self._numbers)}"
        project = projects.copied(template, top, self._bd(version), version)
        was = verdict.before(project, schema)
        begin = perf_counter()
        try:
            flow.action(project, schema)
            now = verdict.after(project, schema, was, refuses_until_reconciled=flow.refuses_until_reconciled)
        except BdRefusedError as error:
            now = verdict.After((f"bd refuses: {error}",), 0, 0, Counter())
        seconds = perf_counter() - begin
        if not now.problems:
            shutil.rmtree(project.top)
        return Cell(
            version,
            flow.name,
            schema.name,
            not now.problems,
            now.problems,
            len(was.titles),
            now.live,
            now.archived,
            dict(sorted(now.reconciled.items())),
            seconds,
        )

    def _template(self, version: str, schema: Schema) -> Project:
        if (version, schema.name) not in self._templates:
            bare = self._templates.get((version, ""))
            if bare is None:
                bare = projects.made(self._folder / f"t{version}", self._bd(version), version)
                self._templates[version, ""] = bare
            full = projects.copied(bare, self._folder / f"t{version}-{schema.name}", bare.bd, version)
            schema.install(full.database, list(full.issues()))
            self._templates[version, schema.name] = full
        return self._templates[version, schema.name]

    def _bd(self, version: str) -> RealBd:
        program = bd_program(version)
        if program is None:
            raise FileNotFoundError(f"bd-{version} is not in {REAL_TRACKERS}")
        return RealBd(program, self._home)


def pairs(versions: Iterable[str] = VERSIONS, flows: Iterable[Flow] = FLOWS) -> Iterator[tuple[str, Flow]]:
    """Every version with every flow that it has, by version."""
    wanted = tuple(flows)
    for version in versions:
        yield from ((version, flow) for flow in wanted if version in flow.versions)


def table(cells: list[Cell]) -> str:
    """The cells as text, one line each, and a closing line with the slowest."""
    lines = [
        f"{'bd':8} {'flow':27} {'':6} {'before':>6} {'live':>5} {'archived':>8} {'seconds':>7}  reconciled"
    ]
    for cell in cells:
        reconciled = ", ".join(f"{number} {kind}" for kind, number in cell.reconciled.items()) or "-"
        lines.append(
            f"{cell.version:8} {cell.flow:27} {'ok' if cell.ok else 'FAILED':6} {cell.rows_before:6}"
            f" {cell.rows_live:5} {cell.rows_archived:8} {cell.seconds:7.2f}  {reconciled}"
        )
        lines += [f"{'':10}{problem}" for problem in cell.problems]
    slowest = max(cells, key=lambda cell: cell.seconds)
    good = sum(cell.ok for cell in cells)
    lines.append(
        f"{good} of {len(cells)} ok in {sum(cell.seconds for cell in cells):.0f} s;"
        f" slowest: {slowest.flow} with bd {slowest.version}, {slowest.seconds:.2f} s"
    )
    return "\n".join(lines)


def as_json(cells: list[Cell]) -> str:
    """The cells as a JSON list of objects with the fields of `Cell`."""
    return json.dumps([asdict(cell) for cell in cells], indent=2)
