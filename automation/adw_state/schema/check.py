"""A check: a question about whether a project's history is safe, what the answer means, and what repairs it.

The checks of a database stand in `health.py`, those of a project in the modules of `doctor/checks/`, where
`collect` finds all that a module names in its `CHECKS`. A check that looks writes nothing. One that repairs
takes nothing away from anybody, and says in sentences what it did.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Generic, Literal, TypeAlias, TypeVar

from adw_state.clock import Clock
from adw_state.engine.sqlite.connection import BUSY_TIMEOUT_SECONDS, open_reader
from adw_state.engine.sqlite.faults import translating
from adw_state.errors import AdwError, DatabaseUnreadableError
from adw_state.schema.migration_files import Layout
from adw_state.schema.shape import layout_of, present

Severity: TypeAlias = Literal["ok", "note", "warning", "error"]

_EXIT_CODES: dict[Severity, int] = {"ok": 0, "note": 0, "warning": 1, "error": 4}


class Stage(IntEnum):
    """When a check looks. Files come before anything opens the database, which may remove its log."""

    PLACE = 0
    FILES = 1
    FILE_CONTENT = 2
    MIGRATIONS = 3
    SCHEMA = 4
    USE = 5
    TRACKER = 6
    ROWS = 7
    SURROUNDINGS = 8

    @property
    def needs_a_sound_file(self) -> bool:
        """Whether checks of this stage have nothing to say once one before them could not read the file."""
        return Stage.FILE_CONTENT <= self <= Stage.USE


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, in one sentence, how bad that is, why it matters, and what to do.

    `fix` are commands to run one after the other, `advice` says in words what no command can do.
    """

    severity: Severity
    what: str
    why: str = ""
    fix: str | None = None
    advice: str | None = None
    fixable: bool = False
    """`adw doctor --fix` does it."""
    damaged: bool = False
    """The content of the file is damaged, so it has to come from somewhere else."""
    check: str = ""
    """The id of the check; filled in by whoever runs it."""


@dataclass(frozen=True)
class Target:
    """The database that is checked. `named` says that the user named it with --db."""

    path: Path
    clock: Clock
    busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
    named: bool = False

    @cached_property
    def layout(self) -> Layout:
        """Whose file it is; that of a file that cannot be read is our own."""
        try:
            with closing(open_reader(self.path)) as reader, translating(self.path):
                return layout_of(present(reader))
        except AdwError:
            return Layout.OWN_FILE

    def command(self, words: str) -> str:
        """A command of ours as it has to be typed to mean this database."""
        return f"{words} {shlex.join(['--db', str(self.path)])}" if self.named else words

    def reconcile(self) -> Iterable[str]:
        """Make rows follow their issues; what was done, in sentences. A database by itself has no issues."""
        return ()


Subject = TypeVar("Subject", contravariant=True)
Some = TypeVar("Some")


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """One question. `why` says what it means for the user where the answer is a bad one."""

    id: str
    stage: Stage
    look: Callable[[Subject], Iterable[Finding]]
    why: str
    fix: Callable[[Subject], Iterable[str]] | None = None
    fix_changes_database: bool = False

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """What it finds."""
        for seen in self.look(subject):
            why = "" if seen.severity == "ok" else seen.why or self.why
            yield replace(seen, check=self.id, why=why)


def collect(package: ModuleType) -> tuple[Check[Some], ...]:
    """The checks in the modules of a package, in the order in which they look."""
    modules = (import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__))
    found = (check for module in modules for check in module.CHECKS)
    return tuple(sorted(found, key=lambda check: (check.stage, check.id)))


def run_checks(checks: Iterable[Check[Some]], subject: Some) -> list[Finding]:
    """Every finding of these checks. Damage, and what keeps several of them from looking, is told once."""
    found: list[Finding] = []
    prevented: dict[str, Stage] = {}
    for check in checks:
        if check.stage.needs_a_sound_file and any(stage.needs_a_sound_file for stage in prevented.values()):
            continue
        try:
            found.extend(check.findings(subject))
        except (AdwError, OSError) as error:
            new = _prevented(check.id, error)
            if str(error) not in prevented and not (new.damaged and any(one.damaged for one in found)):
                found.append(new)
            prevented[str(error)] = check.stage
    return found


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when there is nothing worse than notes, 1 with warnings, 4 with errors."""
    return max((_EXIT_CODES[finding.severity] for finding in findings), default=0)


def several(number: int, one: str, more: str | None = None) -> str:
    """`1 row`, `2 rows`: a number and its noun."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _prevented(check: str, error: AdwError | OSError) -> Finding:
    damaged = isinstance(error, DatabaseUnreadableError)
    why = (
        "Nothing can be read from the file or written to it." if damaged else "This check could not be done."
    )
    advice = error.hint if isinstance(error, AdwError) else None
    return Finding("error", f"{error}.", why, advice=advice, damaged=damaged, check=check)
