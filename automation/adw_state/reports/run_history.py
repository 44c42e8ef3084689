"""One run as its log tells it: records go in one by one, a row of every table comes out.

What a record says is decided by the forms in `log_forms`, which are those of our own run log and of the
logs people already have. A form counts only where it makes sense: the end of an attempt needs an attempt
that was begun, the end of a workflow must name this run's issue. All else is text. No outcome is ever
derived from a phase that was merely begun.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from adw_state import built_in
from adw_state.log_forms import FORMS, UNKNOWN, unquoted
from adw_state.reports.log_records import LogRecord
from adw_state.reports.reading import Notebook, issue_type_in, text_in

_MOST_ATTEMPTS = 1000
_LONGEST_NAME = 50
_MOST_ERRORS = 20
_LONGEST_ERROR = 4000


@dataclass(slots=True)
class AttemptHistory:
    """One try at a phase. `status` as in adw_phase_attempts, or unknown."""

    phase: str
    attempt: int
    started_at: datetime
    status: str = "in_progress"
    finished_at: datetime | None = None
    duration_seconds: float | None = None
    error_message: str | None = None

    def end(self, status: str, at: datetime | None, error: str | None = None) -> None:
        """Note how and when it ended; it has a duration where its end is known and not before its begin."""
        self.status, self.finished_at, self.error_message = status, at, error
        if at is not None and at >= self.started_at:
            self.duration_seconds = (at - self.started_at).total_seconds()


@dataclass(slots=True)
class RunHistory:
    """What is known of one run. `status` as in adw_executions, or unknown; no `phases` where nobody told."""

    run_id: str
    workflow: str = UNKNOWN
    phases: tuple[str, ...] = ()
    environment: str | None = None
    issue_id: str | None = None
    issue_title: str | None = None
    issue_type: str | None = None
    phase: str = UNKNOWN
    status: str = UNKNOWN
    started_at: datetime | None = None
    updated_at: datetime | None = None
    completed_at: datetime | None = None
    error_message: str | None = None
    attempts: list[AttemptHistory] = field(default_factory=list)
    checkpoint_name: str | None = None
    checkpoint_at: datetime | None = None
    _has_begun: bool = False
    _errors: list[str] = field(default_factory=list)
    _in_errors: bool = False

    def read(self, record: LogRecord, notebook: Notebook) -> None:
        """Take in the next record of this run."""
        self.started_at = min(self.started_at or record.at, record.at)
        self.updated_at = max(self.updated_at or record.at, record.at)
        line = record.message.partition("\n")[0]
        for form, take in _FORMS:
            match = form.fullmatch(line) or form.fullmatch(line.strip())  # an id may end in a blank
            if match is not None:
                take(self, match, record, notebook)
                return
        self._remember_error(record)

    def close_open_attempt(self, at: datetime | None, status: str, error: str | None = None) -> None:
        """End the attempt that is open, if one is."""
        attempt = self._open_attempt()
        if attempt is not None:
            attempt.end(status, at, error)

    def add_state(self, state: RunHistory) -> None:
        """Add what the run's state file tells and its log leaves open; the workflow is the state's."""
        if state.workflow != UNKNOWN:
            self.workflow = state.workflow
        self.phases = self.phases or state.phases
        self.issue_id = self.issue_id or state.issue_id
        self.issue_title = state.issue_title if self.issue_title is None else self.issue_title
        self.issue_type = self.issue_type or state.issue_type
        self.environment = state.environment or self.environment
        self.started_at = self.started_at or state.started_at
        self.updated_at = max(filter(None, (self.updated_at, state.updated_at)), default=None)
        if state.checkpoint_name is not None:  # several files may tell of one run
            self.checkpoint_name, self.checkpoint_at = state.checkpoint_name, state.checkpoint_at
        self.attempts = self.attempts or state.attempts
        if self.phase == UNKNOWN:
            last = self.attempts[-1].phase if self.attempts else UNKNOWN
            self.phase = last if state.phase == UNKNOWN else state.phase
        self._add_outcome(state)

    def _add_outcome(self, state: RunHistory) -> None:
        """Take the outcome from the state, unless the log tells one: the log is written last."""
        ended = state.status in ("completed", "failed", "cancelled")
        if self.status == UNKNOWN or (ended and self.completed_at is None):
            self.status = state.status
            self.completed_at = state.completed_at if ended else None
            if state.status == "failed":
                errors = [attempt.error_message for attempt in self.attempts if attempt.status == "failed"]
                self.error_message = state.error_message or (errors[-1] if errors else None)

    def phases_met(self) -> Iterable[str]:
        """The phases that this run was seen in, the first first."""
        named = (self.phase,) if self.phase != UNKNOWN else ()
        return dict.fromkeys((*(attempt.phase for attempt in self.attempts), *named))

    def settle(self) -> None:
        """Say what follows once everything is read: where a run that has only begun stands, what stayed open.

        An attempt whose end nobody told is unknown, where the run does not say that it goes on.
        """
        if self._has_begun and self.phase == UNKNOWN and self.phases:
            self.phase = self.phases[0]
        if self.status == UNKNOWN:
            self.close_open_attempt(None, UNKNOWN)

    def _open_attempt(self) -> AttemptHistory | None:
        return self.attempts[-1] if self.attempts and self.attempts[-1].status == "in_progress" else None

    def _remember_error(self, record: LogRecord) -> None:
        """Keep the latest unbroken series of errors: it tells why an attempt fails, if it does."""
        is_error = record.level in ("ERROR", "CRITICAL")
        if is_error:
            earlier = self._errors if self._in_errors else []
            self._errors = [*earlier, unquoted(record.message)[:_LONGEST_ERROR]][:_MOST_ERRORS]
        self._in_errors = is_error

    def _error(self) -> str | None:
        return "\n".join(self._errors) or None

    def _forget_errors(self) -> None:
        self._errors, self._in_errors = [], False

    def _is_about_this_issue(self, issue_id: str, record: LogRecord, notebook: Notebook) -> bool:
        self.issue_id = issue_id if self.issue_id is None else self.issue_id
        if self.issue_id != issue_id:
            notebook.add("log lines about another issue than their run's", record.message)
        return self.issue_id == issue_id

    def _start(self, match: re.Match[str], record: LogRecord, notebook: Notebook) -> None:
        if not self._is_about_this_issue(match["issue"], record, notebook):
            return
        self.close_open_attempt(record.at, "interrupted")
        self._forget_errors()
        begins = match["verb"] == "Starting" and not self.attempts
        self.status = "pending" if begins else "in_progress"
        self.phase = self.attempts[-1].phase if self.attempts else UNKNOWN
        self._has_begun = True
        self.completed_at = self.error_message = None

    def _describe(self, match: re.Match[str], record: LogRecord, notebook: Notebook) -> None:
        if not self._is_about_this_issue(match["issue"], record, notebook):
            return
        self.issue_type = None if match["type"] == UNKNOWN else unquoted(match["type"])
        self.issue_title = unquoted(match["title"]) if match["title"] else None

    def _take_workflow(self, match: re.Match[str], _record: LogRecord, _notebook: Notebook) -> None:
        self.workflow, self.phases = unquoted(match["workflow"]), tuple(match["phases"].split(", "))

    def _begin_attempt(self, match: re.Match[str], record: LogRecord, _: Notebook) -> None:
        phase = phase_named(match["phase"])
        self.close_open_attempt(record.at, UNKNOWN if self.status == UNKNOWN else "interrupted")
        self._forget_errors()
        self.phase = phase
        if self.status != UNKNOWN:
            self.status = "in_progress"
        number = 1 + sum(attempt.phase == phase for attempt in self.attempts)
        if len(self.attempts) < _MOST_ATTEMPTS:
            self.attempts.append(AttemptHistory(phase, number, record.at))

    def _begin_foreign(self, match: re.Match[str], record: LogRecord, notebook: Notebook) -> None:
        self.issue_id = self.issue_id or match["issue"]
        self._begin_attempt(match, record, notebook)

    def _end_attempt(
        self, match: re.Match[str], record: LogRecord, notebook: Notebook, *, status: str
    ) -> None:
        attempt = self._open_attempt()
        named, begun = phase_named(match["phase"]), attempt.phase if attempt else None
        listed = self.phases or built_in.PHASES
        # Other teams call a phase of theirs by several names in one log (document, Documentation).
        by_another_name = begun not in (None, *listed) and named not in (*listed, *self.phases_met())
        if begun == named or by_another_name:
            self.close_open_attempt(record.at, status, self._error() if status == "failed" else None)
        else:
            notebook.add("phase ends without a beginning", record.message)

    def _end(self, match: re.Match[str], record: LogRecord, notebook: Notebook) -> None:
        if not self._is_about_this_issue(match["issue"], record, notebook):
            return
        status = match["status"]
        self.error_message = self._error() if status == "failed" else None
        self.close_open_attempt(record.at, "failed" if status == "failed" else UNKNOWN, self.error_message)
        self.status, self.completed_at = status, record.at
        self._forget_errors()

    def _take_state(self, _: re.Match[str], record: LogRecord, notebook: Notebook) -> None:
        try:
            state = json.loads(record.message.partition(":")[2])
        except (ValueError, RecursionError):
            notebook.add("incomplete state dumps in logs", record.message)
            return
        if isinstance(state, dict):
            self.issue_id = self.issue_id or text_in(state, "issue_id", "issue_number")
            self.issue_type = self.issue_type or issue_type_in(state)


def phase_named(word: str) -> str:
    """The phase that a log or state calls by this word."""
    return word.lower()[:_LONGEST_NAME]


_Take = Callable[[RunHistory, re.Match[str], LogRecord, Notebook], None]
_FORMS: tuple[tuple[re.Pattern[str], _Take], ...] = tuple(
    (FORMS[name], take)
    for name, take in (
        ("start", RunHistory._start),
        ("issue", RunHistory._describe),
        ("workflow", RunHistory._take_workflow),
        ("attempt", RunHistory._begin_attempt),
        ("completed", partial(RunHistory._end_attempt, status="completed")),
        ("interrupted", partial(RunHistory._end_attempt, status="interrupted")),
        ("failed", partial(RunHistory._end_attempt, status="failed")),
        ("end", RunHistory._end),
        ("foreign attempt", RunHistory._begin_foreign),
        ("state", RunHistory._take_state),
    )
)
