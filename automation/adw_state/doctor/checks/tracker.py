"""Which tracker the project has, and where our tables live because of it."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage
from adw_state.trackers.br import BR


def _look(project: Project) -> Iterator[Finding]:
    location = project.location
    yield Finding("ok", f"{location.tracker.name}. {location.reasons[-1]}")
    if location.tracker is BR:
        yield Finding("note", f"A mark of br was found: {location.reasons[-2]}")


CHECK = Check(
    "tracker",
    Stage.PLACE,
    _look,
    why="Newer versions of br write and rebuild their file with an engine of their own, so our tables stay"
    " out of it. This is designed from public reports and not tested against br after 0.1.12.",
)
