"""Where and why executions failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from adw_state.reports.error_patterns import first_line, fold
from adw_state.reports.section import (
    TEXT_WIDTH,
    WORD_WIDTH,
    Section,
    counts,
    number,
    percent,
    rate,
    table,
)
from adw_state.reports.text_table import Column
from adw_state.reports.window import Window
from adw_state.store import sql
from adw_state.store.phase_list import decode_phases
from adw_state.store.transaction import Row, Transaction

_MOST_PATTERNS = 10


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
