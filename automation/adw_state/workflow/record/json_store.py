"""A run in its JSON state. Where it decides alone, the run is noted for the database that is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adw_state.clock import Clock
from adw_state.errors import OwnershipLostError
from adw_state.run_root import note_json_only
from adw_state.state import Attempt, Execution
from adw_state.store.records import UNFINISHED
from adw_state.store.values import place_of
from adw_state.workflow.record.json_run import JsonRun
from adw_state.workflow.record.store import SavedStep, at_work


class JsonStore:
    """One run in its JSON state; see `RunStore`. Who only copies writes to `run`."""

    def __init__(self, run: JsonRun, project: Path, clock: Clock) -> None:
        self.run = run
        self._project = project
        self._clock = clock

    def start_attempt(
        self, execution: Execution, earlier: Sequence[Attempt], phase: str, known: Mapping[str, Any]
    ) -> Attempt:
        """See `RunStore`."""
        self._decide(execution)
        attempt = Attempt(
            execution.id,
            phase,
            place_of(phase, execution.phases, execution.id),
            1 + max((old.attempt for old in earlier if old.phase == phase), default=0),
            "in_progress",
            self._clock.now(),
            **known,
        )
        self.run.note_attempt(attempt)
        self.run.note_execution(at_work(execution, attempt))
        return attempt

    def finish_attempt(
        self, execution: Execution, attempt: Attempt, status: str, outcome: Mapping[str, Any]
    ) -> Attempt:
        """See `RunStore`."""
        self._decide(execution)
        now = self._clock.now()
        took = max(0.0, (now - attempt.started_at).total_seconds())
        ended = replace(attempt, status=status, finished_at=now, duration_seconds=took, **outcome)
        self.run.note_attempt(ended)
        return ended

    def change(self, execution: Execution, status: str, changes: Mapping[str, Any]) -> Execution:
        """See `RunStore`."""
        self._decide(execution)
        now = self._clock.now()
        goes_on = status in UNFINISHED
        moved = replace(
            execution,
            status=status,
            updated_at=now,
            completed_at=None if goes_on else now,
            owner=None if status == "waiting" else execution.owner,
            claimed=execution.claimed and goes_on,  # what has ended holds its issue no more
            waiting_for=None,
            waiting_until=None,
            release_by=None,
        )
        changed = replace(moved, **{name: value for name, value in changes.items() if value is not None})
        self.run.note_execution(changed)
        return changed

    def save_step(self, execution: Execution, step: SavedStep) -> None:
        """See `RunStore`."""
        self._decide(execution)
        self.run.note_step(step)

    def copy(self, execution: Execution, attempts: Sequence[Attempt], steps: Sequence[SavedStep]) -> None:
        """See `RunStore`."""
        note_json_only(self._project, execution.id)
        self.run.mirror(execution, attempts, steps)

    def saved_fence(self, execution_id: str) -> int | None:
        """See `RunStore`."""
        del execution_id  # it is this run's
        return self.run.saved_fence()

    def beat(self, execution: Execution) -> None:
        """Nothing is written: what a living process writes shows that it lives."""
        require_owner(execution, self.run.saved_fence())

    def close(self) -> None:
        """Nothing is held open."""

    def _decide(self, execution: Execution) -> None:
        """Before a write that no database has answered."""
        require_owner(execution, self.run.saved_fence())
        note_json_only(self._project, execution.id)


def require_owner(execution: Execution, saved_fence: int | None) -> None:
    """Raise `OwnershipLostError` where another process has taken the execution over."""
    if saved_fence is not None and saved_fence != execution.fence:
        raise OwnershipLostError(
            f"execution {execution.id} was taken over by another process; this one may no longer work on it",
            hint="let the other process finish; `adw show` tells how far it is",
        )
