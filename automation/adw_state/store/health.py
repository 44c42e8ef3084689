"""Whether a database can be relied on: the checks that need nothing but the database itself."""

from __future__ import annotations

from dataclasses import dataclass

from adw_state.store import checks
from adw_state.store.check import Check, Finding, Target, collect, exit_code, run_checks

CHECKS: tuple[Check[Target], ...] = collect(checks)


@dataclass(frozen=True, slots=True)
class Health:
    """What the checks of a database found; `ok` when nothing is worse than a note."""

    path: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the database can be relied on."""
        return exit_code(self.findings) == 0


def check_health(target: Target) -> Health:
    """Look at the file, its schema, its references, its log and its disk. Writes nothing."""
    return Health(str(target.path), tuple(run_checks(CHECKS, target)))
