"""A report as headed sections of sentences and tables: what the text and the Markdown have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adw_state.reports.durations import FEWEST_FOR_P95
from adw_state.reports.report import STATUSES, Outcomes, Report, percent
from adw_state.reports.text_table import Column

_MOST_PATTERNS = 10
_MOST_STALE = 10
# Narrower than these a cell says nothing.
_WORD_WIDTH, _TEXT_WIDTH = 6, 12


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
            *_funnels(report),
            *_failures(report),
            _attempts(report),
            _durations(report),
            _stale(report),
            _recent(report),
        ]
    return [*body, *_notes(report)]


def title_of(report: Report) -> str:
    """What the report is about, in one line."""
    window = report.window
    where = f"environment {window.environment}" if window.environment else "every environment"
    return f"Executions started in the last {_number(window.hours)} h, {where}"


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
    columns = (
        Column("type", least=_WORD_WIDTH),
        *_numbers("total", "completed", "failed"),
        *_numbers("cancelled", "unfinished", "unknown", optional=True),
        *_numbers("success", "of finished"),
    )
    rows = [(group.issue_type, *_outcome_cells(group)) for group in report.by_issue_type]
    return Section("Success rate by issue type", (), columns, rows)


def _outcome_cells(group: Outcomes) -> tuple[str, ...]:
    unfinished = group.in_progress + group.waiting + group.pending
    counts = (group.total, group.completed, group.failed, group.cancelled, unfinished, group.unknown)
    rates = (group.success_rate_percent, group.finished_success_rate_percent)
    return (*map(str, counts), *map(_rate, rates))


def _funnels(report: Report) -> Iterable[Section]:
    columns = (Column("phase"), *_numbers("reached", "of all", "completed", "of all"))
    for funnel in report.funnels:
        rows = [
            (
                step.phase,
                str(step.reached),
                _rate(percent(step.reached, funnel.executions)),
                str(step.completed),
                _rate(percent(step.completed, funnel.executions)),
            )
            for step in funnel.steps
        ]
        sentence = f"{_count(funnel.executions, 'execution')}."
        yield Section(f"Phase funnel of {funnel.workflow}", (sentence,), columns, rows)


def _failures(report: Report) -> Iterable[Section]:
    found = report.failures
    if not found.failures:
        yield Section("Failures", ("No execution failed.",))
        return
    yield Section(
        "Failures by phase",
        (),
        (Column("phase"), *_numbers("failures", "share")),
        [
            (group.phase, str(group.failures), _rate(percent(group.failures, found.failures)))
            for group in found.by_phase
        ],
    )
    rest = len(found.by_pattern) - _MOST_PATTERNS
    more = (f"{rest} rarer patterns are left out here; JSON and CSV have all.",) if rest > 0 else ()
    yield Section(
        "Failures by error pattern",
        more,
        (
            *_numbers("failures"),
            Column("phases", least=_WORD_WIDTH),
            Column("pattern", least=_TEXT_WIDTH),
            Column("newest example", least=_TEXT_WIDTH, dispensable=True),
        ),
        [
            (str(group.failures), ", ".join(group.phases), group.pattern, group.example or "")
            for group in found.by_pattern[:_MOST_PATTERNS]
        ],
    )


def _attempts(report: Report) -> Section:
    columns = (
        Column("phase", least=_WORD_WIDTH),
        *_numbers("attempts", "retries", "completed", "failed"),
        *_numbers("interrupted", "open", "unknown", optional=True),
    )
    rows = []
    for found in report.attempts:
        ends = (found.completed, found.failed, found.interrupted, found.in_progress, found.unknown)
        rows.append((found.phase, *map(str, (found.attempts, found.retries, *ends))))
    return Section("Attempts by phase", (), columns, rows)


def _durations(report: Report) -> Section:
    columns = (
        Column("phase", least=_WORD_WIDTH),
        *_numbers("measured", "median (s)", "p95 (s)", "longest (s)"),
    )
    rows = []
    for found in report.attempts:
        spread = found.durations
        times = (spread.median_seconds, spread.p95_seconds, spread.longest_seconds)
        rows.append((found.phase, str(spread.measured), *map(_seconds, times)))
    lacking = any(0 < found.durations.measured < FEWEST_FOR_P95 for found in report.attempts)
    why = (f"A p95 is shown from {FEWEST_FOR_P95} measured attempts on.",) if lacking else ()
    return Section("Durations of completed attempts", why, columns, rows)


def _stale(report: Report) -> Section:
    found = report.stale
    threshold = _number(found.threshold_hours)
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
    columns = (
        Column("execution"),
        Column("issue"),
        Column("title", least=_TEXT_WIDTH, dispensable=True),
        Column("phase"),
        Column("newest checkpoint", least=_TEXT_WIDTH),
        *_numbers("silent (h)"),
    )
    rows = [
        (
            run.execution_id,
            run.issue_id,
            run.issue_title or "",
            run.phase,
            run.checkpoint_name or "none",
            f"{run.age_hours:.1f}",
        )
        for run in found.newest[:_MOST_STALE]
    ]
    return Section("Stale checkpoints", (sentence, *more), columns, rows)


def _recent(report: Report) -> Section:
    columns = (
        Column("started"),
        Column("execution"),
        Column("issue"),
        Column("status"),
        Column("phase", least=_WORD_WIDTH, dispensable=True),
        Column("type", least=_WORD_WIDTH, dispensable=True),
        Column("took (s)", numeric=True, dispensable=True),
        Column("title or error", least=_TEXT_WIDTH),
    )
    rows = [
        (
            f"{run.started_at:%m-%d %H:%M}",
            run.execution_id,
            run.issue_id,
            run.status,
            run.phase,
            run.issue_type or "unknown",
            _seconds(run.duration_seconds),
            run.error or run.issue_title or "",
        )
        for run in report.recent
    ]
    return Section("Recent executions, newest first, times in UTC", (), columns, rows)


def _notes(report: Report) -> Iterable[Section]:
    if report.notes:
        columns = (
            Column("count", numeric=True),
            Column("what", least=_TEXT_WIDTH),
            Column("example", least=_TEXT_WIDTH),
        )
        rows = [(str(note.count), note.subject, note.example or "") for note in report.notes]
        yield Section("Not understood or not counted", (), columns, rows)


def _numbers(*titles: str, optional: bool = False) -> tuple[Column, ...]:
    return tuple(Column(title, numeric=True, optional=optional) for title in titles)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _in_words(status: str) -> str:
    return "with unknown outcome" if status == "unknown" else status.replace("_", " ")


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f} %"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _number(number: float) -> str:
    return f"{number:g}"


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes").partition("+")[0]
