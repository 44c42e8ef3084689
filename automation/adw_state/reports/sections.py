"""A report as headed sections of sentences and tables: what the text and the Markdown have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from adw_state.reports.durations import FEWEST_FOR_P95
from adw_state.reports.report import STATUSES, Outcomes, PhaseFunnel, Report, percent
from adw_state.reports.text_table import Column

_MOST_PATTERNS = 10
_MOST_STALE = 10
# Narrower than these a cell says nothing.
_WORD_WIDTH, _TEXT_WIDTH = 6, 12

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, and a table where there is something to list."""

    heading: str
    sentences: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    rows: Sequence[tuple[str, ...]] = field(default=())


def sections_of(report: Report) -> list[Section]:
    """The sections in the order in which they are read; what has nothing to say stays away."""
    if report.outcomes.total == 0:
        body: list[Section] = [
            Section("Outcomes", ("No executions were started in this window.",)),
            _stale(report),
        ]
    else:
        body = [
            _outcomes(report),
            _by_issue_type(report),
            *map(_funnel, report.funnels),
            *_failures(report),
            _attempts(report),
            _durations(report),
            _stale(report),
            _recent(report),
        ]
    return [*body, _notes(report)] if report.notes else body


def title_of(report: Report) -> str:
    """What the report is about, in one line."""
    window = report.window
    where = f"environment {window.environment}" if window.environment else "every environment"
    return f"Executions started in the last {window.hours:g} h, {where}"


def origin_of(report: Report) -> str:
    """When the report was made, from what, and where its window begins."""
    window, source = report.window, report.source
    kind = "database" if source.backend == "database" else "logs and JSON states"
    return (
        f"At {_time(window.now)} UTC, since {_time(window.since)} UTC,"
        f" from the {kind} in {' and '.join(source.locations)}"
    )


def _outcomes(report: Report) -> Section:
    found = report.outcomes
    counts = {status: getattr(found, status) for status in STATUSES}
    listed = ", ".join(f"{count} {_in_words(status)}" for status, count in counts.items() if count)
    finished = found.completed + found.failed
    return Section(
        "Outcomes",
        (
            f"{_count(found.total, 'execution')}: {listed}.",
            f"Success rate: {_rate(found.success_rate_percent)} of all {found.total},"
            f" {_rate(found.finished_success_rate_percent)} of the {finished} completed or failed.",
        ),
    )


def _by_issue_type(report: Report) -> Section:
    return _table(
        "Success rate by issue type",
        (),
        report.by_issue_type,
        (Column("type", least=_WORD_WIDTH), lambda group: group.issue_type),
        *_counts("total", "completed", "failed"),
        *_counts("cancelled", optional=True),
        (_number("unfinished", optional=True), lambda group: str(_unfinished(group))),
        *_counts("unknown", optional=True),
        (_number("success"), lambda group: _rate(group.success_rate_percent)),
        (_number("of finished"), lambda group: _rate(group.finished_success_rate_percent)),
    )


def _unfinished(group: Outcomes) -> int:
    return group.in_progress + group.waiting + group.pending


def _funnel(funnel: PhaseFunnel) -> Section:
    return _table(
        f"Phase funnel of {funnel.workflow}",
        (f"{_count(funnel.executions, 'execution')}.",),
        funnel.steps,
        (Column("phase"), lambda step: step.phase),
        *_counts("reached"),
        (_number("of all"), lambda step: _rate(percent(step.reached, funnel.executions))),
        *_counts("completed"),
        (_number("of all"), lambda step: _rate(percent(step.completed, funnel.executions))),
    )


def _failures(report: Report) -> Iterable[Section]:
    found = report.failures
    if not found.failures:
        yield Section("Failures", ("No execution failed.",))
        return
    yield _table(
        "Failures by phase",
        (),
        found.by_phase,
        (Column("phase"), lambda group: group.phase),
        *_counts("failures"),
        (_number("share"), lambda group: _rate(percent(group.failures, found.failures))),
    )
    rest = len(found.by_pattern) - _MOST_PATTERNS
    more = (f"{rest} rarer patterns are left out here; JSON and CSV have all.",) if rest > 0 else ()
    yield _table(
        "Failures by error pattern",
        more,
        found.by_pattern[:_MOST_PATTERNS],
        *_counts("failures"),
        (Column("phases", least=_WORD_WIDTH), lambda group: ", ".join(group.phases)),
        (Column("pattern", least=_TEXT_WIDTH), lambda group: group.pattern),
        (Column("newest example", least=_TEXT_WIDTH, dispensable=True), lambda group: group.example or ""),
    )


def _attempts(report: Report) -> Section:
    return _table(
        "Attempts by phase",
        (),
        report.attempts,
        (Column("phase", least=_WORD_WIDTH), lambda found: found.phase),
        *_counts("attempts", "retries", "completed", "failed"),
        *_counts("interrupted", optional=True),
        (_number("open", optional=True), lambda found: str(found.in_progress)),
        *_counts("unknown", optional=True),
    )


def _durations(report: Report) -> Section:
    lacking = any(0 < found.durations.measured < FEWEST_FOR_P95 for found in report.attempts)
    why = (f"A p95 is shown from {FEWEST_FOR_P95} measured attempts on.",) if lacking else ()
    return _table(
        "Durations of completed attempts",
        why,
        report.attempts,
        (Column("phase", least=_WORD_WIDTH), lambda found: found.phase),
        (_number("measured"), lambda found: str(found.durations.measured)),
        (_number("median (s)"), lambda found: _seconds(found.durations.median_seconds)),
        (_number("p95 (s)"), lambda found: _seconds(found.durations.p95_seconds)),
        (_number("longest (s)"), lambda found: _seconds(found.durations.longest_seconds)),
    )


def _stale(report: Report) -> Section:
    found = report.stale
    threshold = f"{found.threshold_hours:g}"
    if not found.executions:
        return Section(
            "Stale checkpoints", (f"No unfinished execution is silent for more than {threshold} h.",)
        )
    sentence = (
        f"{_count(found.executions, 'unfinished execution')} silent for more than {threshold} h,"
        f" {found.without_checkpoint} without a checkpoint; whenever started, last seen first."
    )
    rest = found.executions - _MOST_STALE
    more = (f"{rest} that were last seen earlier are left out here.",) if rest > 0 else ()
    return _table(
        "Stale checkpoints",
        (sentence, *more),
        found.newest[:_MOST_STALE],
        (Column("execution"), lambda run: run.execution_id),
        (Column("issue"), lambda run: run.issue_id),
        (Column("title", least=_TEXT_WIDTH, dispensable=True), lambda run: run.issue_title or ""),
        (Column("phase"), lambda run: run.phase),
        (Column("newest checkpoint", least=_TEXT_WIDTH), lambda run: run.checkpoint_name or "none"),
        (_number("silent (h)"), lambda run: f"{run.age_hours:.1f}"),
    )


def _recent(report: Report) -> Section:
    return _table(
        "Recent executions, newest first, times in UTC",
        (),
        report.recent,
        (Column("started"), lambda run: f"{run.started_at:%m-%d %H:%M}"),
        (Column("execution"), lambda run: run.execution_id),
        (Column("issue"), lambda run: run.issue_id),
        (Column("status"), lambda run: run.status),
        (Column("phase", least=_WORD_WIDTH, dispensable=True), lambda run: run.phase),
        (Column("type", least=_WORD_WIDTH, dispensable=True), lambda run: run.issue_type or "unknown"),
        (Column("took (s)", numeric=True, dispensable=True), lambda run: _seconds(run.duration_seconds)),
        (Column("title or error", least=_TEXT_WIDTH), lambda run: run.error or run.issue_title or ""),
    )


def _notes(report: Report) -> Section:
    return _table(
        "Not understood or not counted",
        (),
        report.notes,
        *_counts("count"),
        (Column("what", least=_TEXT_WIDTH), lambda note: note.subject),
        (Column("example", least=_TEXT_WIDTH), lambda note: note.example or ""),
    )


def _table(
    heading: str,
    sentences: tuple[str, ...],
    records: Iterable[Record],
    *columns: tuple[Column, Callable[[Record], str]],
) -> Section:
    """A section with a row for each record; a column comes with what it shows of one."""
    rows = [tuple(cell(record) for _, cell in columns) for record in records]
    if not rows:
        return Section(heading, (*sentences, "Nothing is recorded."))
    return Section(heading, sentences, tuple(column for column, _ in columns), rows)


def _counts(*names: str, optional: bool = False) -> Iterator[tuple[Column, Callable[[object], str]]]:
    """Columns of numbers that are called as the records call them."""
    for name in names:
        yield _number(name, optional=optional), partial(_text_of, name)


def _text_of(name: str, record: object) -> str:
    return str(getattr(record, name))


def _number(title: str, *, optional: bool = False) -> Column:
    return Column(title, numeric=True, optional=optional)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _in_words(status: str) -> str:
    return "with unknown outcome" if status == "unknown" else status.replace("_", " ")


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f} %"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes").partition("+")[0]
