"""Whether every migration that this version knows is applied."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.store import migration_status
from adw_state.store.check import Check, Finding, Stage, Target


def _look(target: Target) -> Iterator[Finding]:
    steps = migration_status.status(target.path)
    migration_status.require_understood(steps, target.path)
    pending = [step.version for step in steps if step.state == "pending"]
    if pending:
        yield Finding("warning", f"Pending: {', '.join(pending)}.", fix=target.command("adw migrate up"))
    else:
        yield Finding("ok", f"{len(steps)} are applied.")


CHECK = Check(
    "migrations",
    Stage.MIGRATIONS,
    _look,
    why="This version needs them; until they are applied, runs are kept in JSON only.",
)
