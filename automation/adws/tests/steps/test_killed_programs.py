from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adw_state.state import BeadsStateManager
from adws.tests.steps.program import STEPS


def run_program(database: Path, log: Path, *deadly: str) -> int:
    command = [sys.executable, "-m", "adws.tests.steps.program", str(database), str(log), *deadly]
    return subprocess.run(command, timeout=120).returncode


@pytest.mark.parametrize("deadly", STEPS)
def test_a_program_killed_in_any_step_goes_on_there_and_does_no_step_twice(
    deadly: str, sidecar_db: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert run_program(sidecar_db, log, deadly) == -signal.SIGKILL
    assert run_program(sidecar_db, log) == 0

    assert log.read_text().split() == list(STEPS)
    with BeadsStateManager(sidecar_db) as state:
        (run,) = state.list_executions()
        assert (run.status, run.workflow, run.phases) == ("completed", "ours", ("plan", "build", "ship"))
        points = [point.checkpoint_name for point in state.list_checkpoints(run.id)]
        attempts = [(a.phase, a.place, a.attempt, a.status) for a in state.list_attempts(run.id)]
    assert points == list(STEPS)
    assert [attempt for attempt in attempts if attempt[3] == "completed"] == [
        ("plan", 1, 2 if deadly in STEPS[:2] else 1, "completed"),
        ("build", 2, 2 if deadly in STEPS[2:4] else 1, "completed"),
        ("ship", 3, 2 if deadly == "shipped" else 1, "completed"),
    ]
    assert [attempt[3] for attempt in attempts].count("interrupted") == 1


def test_a_program_killed_in_every_step_in_turn_ends_as_one_run(sidecar_db: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for deadly in STEPS:
        assert run_program(sidecar_db, log, deadly) == -signal.SIGKILL
    assert run_program(sidecar_db, log) == 0
    assert log.read_text().split() == list(STEPS)
    with BeadsStateManager(sidecar_db) as state:
        assert [run.status for run in state.list_executions()] == ["completed"]
