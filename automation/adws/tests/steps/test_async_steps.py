from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adw_state.state import BeadsStateManager
from adw_state.steps.opened import State, open_state

RUNS = 20
PHASES = ["plan", "build"]


async def _work(state: State, number: int, done: list[str], *, stop_in: str = "") -> None:
    async def write() -> int:
        await asyncio.sleep(0)
        if stop_in == "written":
            raise asyncio.CancelledError
        done.append(f"{number} written")
        return number

    async with state.run_async(f"any-{number}", workflow="ours", phases=PHASES) as run:
        async with run.phase("plan") as phase:
            assert await phase.step("written", write) == number
        async with run.phase("build", agent="mine") as phase:
            phase.used(output_tokens=number)
            assert await phase.step("summed", asyncio.sleep, 0, result=number + 1) == number + 1


def test_twenty_runs_in_one_event_loop_each_complete_once(sidecar_db: Path) -> None:
    async def all_of_them(state: State, done: list[str]) -> None:
        await asyncio.gather(*(_work(state, number, done) for number in range(RUNS)))

    done: list[str] = []
    with open_state(sidecar_db) as state:
        asyncio.run(all_of_them(state, done))
    with BeadsStateManager(sidecar_db) as manager:
        runs = manager.list_executions()
        assert [run.status for run in runs] == ["completed"] * RUNS
        assert sorted(run.issue_id for run in runs) == sorted(f"any-{number}" for number in range(RUNS))
        for run in runs:
            number = int(run.issue_id.removeprefix("any-"))
            data = [(point.checkpoint_name, point.data) for point in manager.list_checkpoints(run.id)]
            assert data == [("written", number), ("summed", number + 1)]
            assert [a.output_tokens for a in manager.list_attempts(run.id)] == [None, number]
    assert sorted(done) == sorted(f"{number} written" for number in range(RUNS))


def test_a_cancelled_task_leaves_its_run_to_be_gone_on_with(sidecar_db: Path) -> None:
    done: list[str] = []
    with open_state(sidecar_db) as state:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(_work(state, 1, done, stop_in="written"))
        asyncio.run(_work(state, 1, done))
        (run,) = state.manager.list_executions()
        statuses = [attempt.status for attempt in state.manager.list_attempts(run.id)]
    assert (run.status, done) == ("completed", ["1 written"])
    assert statuses == ["interrupted", "completed", "completed"]


def test_an_exception_in_a_task_fails_its_run_and_goes_on(sidecar_db: Path) -> None:
    async def fail(state: State) -> None:
        async with state.run_async("any-1", workflow="ours", phases=PHASES) as run, run.phase("plan"):
            raise ValueError("no")

    with open_state(sidecar_db) as state:
        with pytest.raises(ValueError, match="no"):
            asyncio.run(fail(state))
        (run,) = state.manager.list_executions()
    assert (run.status, run.error_message) == ("failed", "ValueError: no")
