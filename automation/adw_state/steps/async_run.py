"""The same run for `async` programs: `async with`, and steps that are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, cast

from adw_state.state import Execution
from adw_state.steps.run import Given, Phase, Result, Run


class AsyncRun:
    """A run that an `async` program works on; made by `State.run_async`. See `Run`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._run.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._run.__exit__, kind, error, trace)

    @property
    def id(self) -> str:
        """The execution's id."""
        return self._run.id

    @property
    def execution(self) -> Execution:
        """The execution as it was when it was last read or changed."""
        return self._run.execution

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of the run's phases, in order."""
        return self._run.phases

    def has_completed(self, phase: str) -> bool:
        """Whether the newest attempt at a phase has completed."""
        return self._run.has_completed(phase)

    def phase(self, name: str, *, agent: str | None = None, model: str | None = None) -> AsyncPhase:
        """One phase, for `async with`; see `Run.phase`."""
        return AsyncPhase(self._run.phase(name, agent=agent, model=model))


class AsyncPhase:
    """One phase that an `async` program is in; made by `AsyncRun.phase`. See `Phase`."""

    def __init__(self, phase: Phase) -> None:
        self._phase = phase
        self.used = phase.used

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._phase.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._phase.__exit__, kind, error, trace)

    @property
    def has_completed(self) -> bool:
        """Whether the phase had completed before it was entered."""
        return self._phase.has_completed

    async def step(
        self, name: str, work: Callable[Given, Awaitable[Result]], *args: Given.args, **keywords: Given.kwargs
    ) -> Result:
        """The result of the step `name`: saved before, or `work(*args, **keywords)`, awaited and saved."""
        run, phase = self._phase.run, self._phase.name
        if not run.has_step(phase, name):
            result = await work(*args, **keywords)
            await asyncio.to_thread(run.save_step, phase, name, result)
        return cast("Result", run.saved_step(phase, name))
