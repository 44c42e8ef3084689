"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SEVERITIES = ("ok", "note", "warning", "error")
"""From nothing to do, over good to know, to something to mend soon and something that breaks work now."""

_EXIT_CODES = {"ok": 0, "note": 0, "warning": 1, "error": 4}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one check. `fix` is a command; `fixable` says that `adw doctor --fix` does it."""

    name: str
    severity: str
    what: str
    why: str = ""
    fix: str | None = None
    fixable: bool = False


def well(name: str, what: str) -> Finding:
    """The finding of a check that found nothing wrong."""
    return Finding(name, "ok", what)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when there is nothing worse than notes, 1 with warnings, 4 with errors."""
    return max((_EXIT_CODES[finding.severity] for finding in findings), default=0)


def several(number: int, one: str, more: str | None = None) -> str:
    """`1 row`, `2 rows`: a number and its noun."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
