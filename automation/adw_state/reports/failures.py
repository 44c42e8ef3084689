"""Where and why executions failed.

Error messages that mean the same become one: ids, paths, addresses, times and numbers are folded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from adw_state.engine.transaction import Row, Transaction
from adw_state.reports.section import (
    TEXT_WIDTH,
    WORD_WIDTH,
    Section,
    Window,
    counts,
    number,
    percent,
    rate,
    table,
)
from adw_state.reports.text_table import Column
from adw_state.store import sql
from adw_state.store.records import decode_phases

_MOST_PATTERNS = 10
_NO_MESSAGE = "no message recorded"
_LONGEST = 160
_MOST_FOLDED = 400

_Folds: TypeAlias = tuple[tuple[re.Pattern[str], str], ...]


def _folds(*folds: tuple[str, str]) -> _Folds:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in folds)


# What may contain the others comes first.
_PLACES = _folds(
    (r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"<>()]+", "<url>"),
    (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b", "<time>"),
    (r"\b[A-Za-z]:\\[^\s'\"<>|:]+", "<path>"),
    (r"(?<!\w)(?:~|\.{1,2})?/[^\s'\"<>|:,;()]+", "<path>"),
    (r"(?<![\w./])[\w.-]+(?:/[\w.-]+){2,}", "<path>"),
    (r"(?<![\w./])[\w-]+/[\w-]*\.\w+", "<path>"),
)
_NAMES = _folds(
    (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b0x[0-9a-fA-F]+\b", "<id>"),
    (r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b", "<id>"),
    (r"(?<![\w<])(?:[A-Za-z]+[-_])+(?=[A-Za-z]*\d)[A-Za-z0-9]+(?:\.\d+)*\b", "<id>"),
    (r"(?<!\w)-?\d+(?:[.,]\d+)*|\d+", "<n>"),
    (r"\s+", " "),
)


@dataclass(frozen=True, slots=True)
class PhaseFailures:
    """How many executions ended as failed in a phase."""

    phase: str
    failures: int


@dataclass(frozen=True, slots=True)
class FailurePattern:
    """Failures whose messages agree once ids, paths and numbers are folded; the newest is the example."""

    pattern: str
    failures: int
    phases: tuple[str, ...]
    example: str | None
    example_execution_id: str


@dataclass(frozen=True, slots=True)
class FailureDistribution:
    """Where and why executions failed; both lists add up to `failures`, most frequent pattern first."""

    failures: int
    by_phase: tuple[PhaseFailures, ...]
    by_pattern: tuple[FailurePattern, ...]


def failure_distribution(tx: Transaction, window: Window) -> FailureDistribution:
    """Where and why executions failed."""
    rows = tx.all(sql.load("reports")["failed_executions"], window.params())
    places: dict[str, int] = {}
    alike: dict[str, list[Row]] = {}
    for row in rows:
        phase, phases = row["phase"], decode_phases(row["phases"])
        place = phases.index(phase) if phase in phases else len(phases)
        places[phase] = min(place, places.get(phase, place))
        pattern = fold(row["error_message"], (row["execution_id"], row["issue_id"]))
        alike.setdefault(pattern, []).append(row)
    in_order = sorted(places, key=lambda phase: (places[phase], phase))
    in_phase = Counter(row["phase"] for row in rows)
    patterns = sorted(alike.items(), key=lambda item: (-len(item[1]), item[0]))
    return FailureDistribution(
        failures=len(rows),
        by_phase=tuple(PhaseFailures(phase, in_phase[phase]) for phase in in_order),
        by_pattern=tuple(_pattern(text, members, in_order) for text, members in patterns),
    )


def _pattern(pattern: str, newest_first: list[Row], in_order: list[str]) -> FailurePattern:
    return FailurePattern(
        pattern=pattern,
        failures=len(newest_first),
        phases=tuple(sorted({row["phase"] for row in newest_first}, key=in_order.index)),
        example=first_line(newest_first[0]["error_message"]),
        example_execution_id=newest_first[0]["execution_id"],
    )


def fold(message: str | None, known_ids: Iterable[str] = ()) -> str:
    """The pattern of a message: its first line that says something, folded and at most 160 characters.

    `known_ids` (of the execution and its issue) are folded wherever they stand, whatever they look like.
    """
    line = first_line(message)
    if line is None:
        return _NO_MESSAGE
    line = _replace(line[:_MOST_FOLDED], _PLACES)
    for known in sorted(filter(None, known_ids), key=len, reverse=True):
        if known in line:  # to look is cheap, to compile a pattern for each id is not
            line = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "<id>", line)
    line = _replace(line, _NAMES)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def first_line(message: str | None) -> str | None:
    """The first line of a message that is not blank, stripped; None if there is none."""
    return next((line.strip() for line in (message or "").splitlines() if line.strip()), None)


def _replace(line: str, folds: _Folds) -> str:
    for pattern, replacement in folds:
        line = pattern.sub(replacement, line)
    return line


def failure_sections(found: FailureDistribution) -> Iterator[Section]:
    """In which phase, and with what message."""
    if not found.failures:
        yield Section("Failures", ("No execution failed.",))
        return
    yield table(
        "Failures by phase",
        (),
        found.by_phase,
        (Column("phase"), lambda group: group.phase),
        *counts("failures"),
        (number("share"), lambda group: rate(percent(group.failures, found.failures))),
    )
    rest = len(found.by_pattern) - _MOST_PATTERNS
    more = (f"{rest} rarer patterns are left out here; JSON and CSV have all.",) if rest > 0 else ()
    yield table(
        "Failures by error pattern",
        more,
        found.by_pattern[:_MOST_PATTERNS],
        *counts("failures"),
        (Column("phases", least=WORD_WIDTH), lambda group: ", ".join(group.phases)),
        (Column("pattern", least=TEXT_WIDTH), lambda group: group.pattern),
        (Column("newest example", least=TEXT_WIDTH, dispensable=True), lambda group: group.example or ""),
    )
