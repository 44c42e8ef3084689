"""How many tests of each tier ran, and why some did not: lines for the end of a test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

_BESIDE_TIERS = "store"  # the files that lie beside the tiers' folders test the store


class Report(Protocol):
    """What is read of pytest's report of one stage of one test."""

    nodeid: str
    longrepr: object


def tier_of(nodeid: str) -> str:
    """The tier that a test belongs to: the folder below `tests/`, or the store's."""
    inside = nodeid.partition("::")[0].rpartition("tests/")[2]
    folder, slash, _ = inside.partition("/")
    return folder if slash else _BESIDE_TIERS


def lines(stats: Mapping[str, Sequence[Report]]) -> list[str]:
    """One line per tier in order of name, each followed by one line per reason to skip.

    `stats` are pytest's reports by outcome: passed, failed, error, skipped. A test whose fixtures fail
    counts as failed, once.
    """
    passed = _tests(stats.get("passed", ()))
    broken = _tests([*stats.get("failed", ()), *stats.get("error", ())])
    skipped = _tests(stats.get("skipped", ()))
    found = []
    for tier in sorted({tier_of(nodeid) for nodeid in (*passed, *broken, *skipped)}):
        good, bad, left_out = (_within(tier, tests) for tests in (passed - broken, broken, skipped))
        found.append(f"tier {tier}: {len(good)} passed, {len(bad)} failed, {len(left_out)} skipped")
        reasons = Counter(_reason(report) for report in stats.get("skipped", ()) if report.nodeid in left_out)
        found += [f"    {count} skipped: {reason}" for reason, count in sorted(reasons.items())]
    return found


def _tests(reports: Iterable[Report]) -> set[str]:
    return {report.nodeid for report in reports}


def _within(tier: str, tests: set[str]) -> set[str]:
    return {nodeid for nodeid in tests if tier_of(nodeid) == tier}


def _reason(report: Report) -> str:
    # For a skipped test pytest keeps (file, line, "Skipped: reason").
    place = report.longrepr
    text = str(place[2]) if isinstance(place, tuple) and len(place) == 3 else str(place)
    return text.removeprefix("Skipped: ")
