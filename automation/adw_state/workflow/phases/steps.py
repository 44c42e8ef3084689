"""Durable steps: what was done and saved is not done again.

A step's result belongs to the attempt that saved it. An attempt that was interrupted is resumed:
the next one returns its saved steps. An attempt that failed is not: the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from adw_state.state import Attempt
from adw_state.store.json_values import JSON
from adw_state.workflow.work import Reporter, Work

StepResult: TypeAlias = dict[str, JSON]


class RunPaused(Exception):  # noqa: N818 - not an error: the run was asked to end here
    """The step after which the run was to pause is saved."""


class Steps:
    """The steps of one attempt."""

    def __init__(self, work: Work, attempt: Attempt, reporter: Reporter) -> None:
        self._work = work
        self._record = work.record
        self._attempt = attempt
        self._reporter = reporter
        self.going_on_from = unbroken_attempts(work.record.attempts, attempt)

    def step(self, name: str, work: Callable[[], StepResult]) -> StepResult:
        """The saved result of the step `name`; where there is none, do `work` and save what it returns."""
        self._work.stop.check()
        saved = self._record.saved_step(self._attempt.phase, self.going_on_from, name)
        if isinstance(saved, dict):
            self._reporter.note("INFO", f"Step {name} was saved before")
            self._reporter.tell("step_reused", step=name)
            return saved
        self._record.check_owner()
        result = work()
        self._record.save_step(self._attempt, name, result)
        self._reporter.note("INFO", f"Step {name} saved")
        self._reporter.tell("step_saved", step=name)
        if name == self._work.settings.pause_after:
            raise RunPaused
        return result


def unbroken_attempts(attempts: Sequence[Attempt], present: Attempt) -> tuple[int, ...]:
    """The numbers of the attempts whose steps count for `present`, newest first.

    They are itself, and those right before it that were interrupted.
    """
    numbers = [present.attempt]
    earlier = sorted(
        (old for old in attempts if old.phase == present.phase and old.attempt < present.attempt),
        key=lambda old: -old.attempt,
    )
    for old in earlier:
        if old.status != "interrupted":
            break
        numbers.append(old.attempt)
    return tuple(numbers)
