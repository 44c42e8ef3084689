"""Many processes on one file: no error, no duplicate, nothing lost, no gap."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adw_state.errors import IssueClaimedError, OwnershipLostError
from adw_state.state import BeadsStateManager
from adws.tests.processes import run_together

_EACH = 8


def _create(database: Path, issue: str, count: int) -> tuple[list[str], int]:
    with BeadsStateManager(database) as state:
        made = [
            state.create_execution(issue, first_checkpoint=("started", number)).id for number in range(count)
        ]
        return made, state.retries


@pytest.mark.parametrize("processes", [5, 10, 16])
def test_executions_created_by_many_processes_at_once_are_all_there(beads_db: Path, processes: int) -> None:
    results = run_together([partial(_create, beads_db, f"demo-{1 + n % 5}", _EACH) for n in range(processes)])
    ids = [execution_id for made, _ in results for execution_id in made]
    assert len(ids) == len(set(ids)) == processes * _EACH
    with closing(sqlite3.connect(beads_db)) as connection:
        assert sorted(row[0] for row in connection.execute("SELECT id FROM adw_executions")) == sorted(ids)
        (checkpoints,) = connection.execute("SELECT count(*) FROM adw_checkpoints WHERE seq = 1").fetchone()
        assert checkpoints == len(ids)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def _save(database: Path, execution_id: str, number: int) -> list[int]:
    with BeadsStateManager(database) as state:
        return [
            state.save_checkpoint(execution_id, "build", "step", [number, step]).seq for step in range(_EACH)
        ]


@pytest.mark.parametrize("processes", [5, 10, 16])
def test_checkpoints_saved_by_many_processes_into_one_run_are_numbered_without_gaps(
    sidecar_db: Path, processes: int
) -> None:
    with BeadsStateManager(sidecar_db) as state:
        run = state.create_execution("proj-7")
        results = run_together([partial(_save, sidecar_db, run.id, number) for number in range(processes)])
        found = state.list_checkpoints(run.id)
    assert [c.seq for c in found] == list(range(1, processes * _EACH + 1))
    # Each process was told the numbers under which its own steps are found, in its own order.
    for number, told in enumerate(results):
        assert [(c.seq, c.data) for c in found if c.data[0] == number] == [  # type: ignore[index]
            (seq, [number, step]) for step, seq in enumerate(told)
        ]


def _claim(database: Path) -> str | None:
    with BeadsStateManager(database) as state:
        try:
            return state.create_execution("demo-1", claim=True).id
        except IssueClaimedError:
            return None


def test_of_ten_processes_that_claim_one_issue_one_gets_it(beads_db: Path) -> None:
    results = run_together([partial(_claim, beads_db)] * 10)
    winners = [winner for winner in results if winner]
    assert len(winners) == 1
    with BeadsStateManager(beads_db) as state:
        assert [run.id for run in state.list_executions()] == winners


def _take_over(database: Path, execution_id: str, number: int) -> int:
    with BeadsStateManager(database) as state:
        return state.take_over(execution_id, f"host-{number}:1:b.n.1:aa", force=True).fence


def test_of_ten_take_overs_at_once_each_gets_a_fence_of_its_own_and_the_last_one_stays(
    sidecar_db: Path,
) -> None:
    with BeadsStateManager(sidecar_db) as state:
        run = state.create_execution("proj-7", owner="first:1:b.n.1:aa")
        fences = run_together([partial(_take_over, sidecar_db, run.id, number) for number in range(10)])
        assert sorted(fences) == list(range(2, 12))
        last = state.get_execution(run.id)
        assert last is not None
        assert (last.fence, last.owner) == (11, f"host-{fences.index(11)}:1:b.n.1:aa")


def _write_until_replaced(database: Path, execution_id: str, number: int) -> tuple[int, int]:
    """How many checkpoints this owner saved, and its fence."""
    with BeadsStateManager(database) as state:
        fence = state.take_over(execution_id, f"host-{number}:1:b.n.1:aa", force=True).fence
        saved = 0
        try:
            for _ in range(20):
                state.save_checkpoint(execution_id, "build", f"fence-{fence}", saved, fence=fence)
                saved += 1
        except OwnershipLostError:
            pass
        return saved, fence


def test_no_replaced_owner_writes_after_the_take_over(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        run = state.create_execution("proj-7")
        results = run_together([partial(_write_until_replaced, sidecar_db, run.id, n) for n in range(8)])
        found = state.list_checkpoints(run.id)
    names = [c.checkpoint_name for c in found]
    # In the order of seq the owners follow one another: nobody comes back once another one wrote.
    assert [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]] == sorted(
        set(names), key=lambda name: int(name.removeprefix("fence-"))
    )
    assert {f"fence-{fence}": saved for saved, fence in results if saved} == {
        name: names.count(name) for name in names
    }
