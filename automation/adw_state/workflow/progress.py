"""What a run says while it works: events, for whoever started it to show.

The library prints nothing. A `Progress` is any function that takes an event; `describe` is how a line
on a terminal would say it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from adw_state.visible_text import one_line

Kind: TypeAlias = Literal[
    "run_started",  # text: the id and title
    "phase_started",
    "agent_started",  # or a command
    "agent_finished",  # what it said is on the disk, its step is not saved yet
    "commit_made",  # text: the commit; its step is not saved yet
    "step_saved",
    "step_reused",  # it was saved by an attempt that was interrupted
    "phase_finished",
    "phase_failed",  # text: why
    "message",
    "warning",  # something the user must know although the run goes on
    "run_finished",  # text: the status
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run. `seconds` is how long the phase took, where it has ended."""

    kind: Kind
    text: str = ""
    execution_id: str | None = None
    phase: str | None = None
    attempt: int | None = None
    step: str | None = None
    seconds: float | None = None


Progress: TypeAlias = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A progress that shows nothing."""


def describe(event: Event) -> str | None:
    """The event as one line, or None where it is not worth one."""
    where = f"{event.phase}: " if event.phase else ""
    again = f" (attempt {event.attempt})" if (event.attempt or 1) > 1 else ""
    took = "" if event.seconds is None else f" in {event.seconds:.1f} s"
    lines: dict[str, str] = {
        "run_started": f"{event.execution_id} works on {one_line(event.text)}",
        "phase_started": f"{where}started{again}",
        "step_saved": f"{where}{event.step} saved",
        "step_reused": f"{where}{event.step} was saved before",
        "phase_finished": f"{where}completed{took}",
        "phase_failed": f"{where}failed{took}: {event.text}",
        "message": f"{where}{event.text}",
        "warning": f"warning: {event.text}",
        "run_finished": f"{event.execution_id} is {event.text.replace('_', ' ')}",
    }
    return lines.get(event.kind)
