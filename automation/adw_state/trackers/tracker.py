"""What is asked of a tracker: is it this one, do our tables lie in its file, what are its issues?

One module per tracker answers (`bd`, `br`), and `locate` lists them. The names bd, Dolt and br mean nothing
to any other module than these. A project may have none; then the command line says the issue.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from adw_state.errors import (
    DatabaseError,
    DatabaseForeignError,
    DatabaseUnreadableError,
    InvalidInputError,
    IssueNotFoundError,
    TrackerUnusableError,
)
from adw_state.text_files import storable
from adw_state.trackers.database_file import Shape, read_shape
from adw_state.trackers.folder import BeadsFolder, ExportReader

_MAX_ID_LENGTH = 200
_ISSUE_COLUMNS = {"id", "title", "status"}
_LEAST_URGENT = 4
_OVER = ("closed", "tombstone")
_BLOCKING = frozenset(("blocks", "conditional-blocks", "waits-for"))
_PARENT = frozenset(("parent-child",))
# Kinds of issues by which bd keeps books; nobody works on them.
_NO_WORK = ("merge-request", "gate", "molecule", "message", "agent", "role", "rig")
_GIVEN = "given on the command line (--title …)"

Fields: TypeAlias = Mapping[str, object]
"""An issue as its tracker tells it, by the names of bd's JSON."""
Warn: TypeAlias = Callable[[str], None]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Found:
    """What the search came to: a folder, a file, or both, and how, in sentences."""

    folder: BeadsFolder | None
    database: Path | None
    how: tuple[str, ...]
    named: bool = False
    """Whether somebody named this very file, instead of it being found in its folder."""

    @cached_property
    def shape(self) -> Shape:
        """What the file contains; only for a file without br's marks in its header.

        Raises `DatabaseForeignError` where it is no tracker's, `DatabaseUnreadableError` where it is damaged.
        """
        if self.database is None:
            raise ValueError("no file was found")
        shape = read_shape(self.database)
        if not shape.issue_columns >= _ISSUE_COLUMNS:
            raise DatabaseForeignError(
                f"{self.database} is a SQLite database, but not a tracker's: it has no table of issues",
                hint="name the tracker's database with --db, or leave --db out to have it found",
            )
        return shape


class Location(NamedTuple):
    """Where everything of one project is."""

    tracker: Tracker
    database: Path
    """Where our tables live, a real path; the sidecar may not exist yet."""
    project: Path
    """Top of the main work tree, or the folder itself outside git: home of runs, logs and JSON states."""
    state_dir: Path
    """Where our own files go: the sidecar and the backups."""
    reasons: tuple[str, ...]
    """How it was found and why here, in plain sentences."""
    beads_dir: Path | None = None
    tracker_database: Path | None = None
    """The tracker's SQLite file, if it has one."""
    jsonl: Path | None = None
    """The issue export, if there is one."""
    fault: DatabaseError | None = None
    """Why the project's database cannot be used, where a run goes on without it."""

    @property
    def is_shared_file(self) -> bool:
        """Whether our tables live in the tracker's own file, and not in the sidecar."""
        return self.database == self.tracker_database

    def database_exists(self) -> bool:
        """Whether `database` is there now.

        Raises `DatabaseUnreadableError`: the folder that it lies in cannot be entered.
        """
        try:
            return self.database.exists()
        except OSError as error:
            raise DatabaseUnreadableError(
                f"{self.database} cannot be reached: {error.strerror}",
                hint="check who owns the folders on the way to it, and their permissions:"
                f" `ls -ld {shlex.quote(str(self.database.parent))}`",
            ) from error


class IssueSource(Protocol):
    """Something that issues are read from."""

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """What it says about the issue with exactly this id.

        Raises `IssueNotFoundError` where it has none, and `DatabaseError` where it cannot be asked; then
        the project's export is read instead.
        """

    def ready(self, location: Location, now: datetime) -> list[Fields]:
        """The issues that can be worked on now, as `ready_among` has it. Raises as `read_issue` does."""


class Tracker(IssueSource, Protocol):
    """One kind of tracker."""

    name: str
    """As people know it."""
    holds_our_tables: bool
    """Whether our tables lie in its own file, where it has one."""

    def evidence(self, found: Found) -> tuple[str, ...]:
        """What shows that the project has this tracker, in sentences; nothing where it has another one.

        Raises `DatabaseForeignError` where the file that was found is no tracker's.
        """

    def issue_source(self, location: Location) -> str:
        """Where issues are read from, in words that go on from "Issues are"."""


class Export:
    """The issue export of a project; trackers whose store we do not open inherit from it.

    Exports live in git and are edited, merged and cut off there: they carry conflict markers, duplicate ids
    (the last one counts, as for bd's own import), CRLF, broken lines.
    """

    def issue_source(self, location: Location) -> str:
        """The export, or whoever calls where there is none."""
        return f"read from {location.jsonl}" if location.jsonl else _GIVEN

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """The newest object of the issue.

        Raises:
            IssueNotFoundError: there is no export, or no line that can be understood is about this issue.
            TrackerUnusableError: the export cannot be read.
        """
        reader = _export_of(location)
        newest = None
        for candidate in reader:
            if candidate["id"] == issue_id:
                newest = candidate
        if newest is None:
            raise _not_in(reader, issue_id)
        return newest

    def ready(self, location: Location, now: datetime) -> list[Fields]:
        """Those of the newest objects of all issues."""
        newest = {str(fields["id"]): fields for fields in _export_of(location)}
        return ready_among(newest.values(), now)


class _NoTracker(Export):
    name = "none"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:  # noqa: ARG002 - something was found
        """Nothing: where something was found there is a tracker."""
        return ()

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """There is nothing to read it from."""
        raise IssueNotFoundError(
            f"there is no tracker to read issue {issue_id!r} from, at {location.project}",
            hint="say what it is with --title, --type and --priority, or run inside a project with beads",
        )

    def ready(self, location: Location, now: datetime) -> list[Fields]:  # noqa: ARG002 - the same at any time
        """There is nothing to read them from."""
        raise IssueNotFoundError(
            f"there is no tracker to read issues from, at {location.project}",
            hint="run inside a project with beads",
        )


NO_TRACKER = _NoTracker()


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. What the tracker does not say is None, or empty text; nothing is guessed."""

    id: str
    title: str
    issue_type: str | None = None
    priority: int | None = None
    """0 is the most urgent."""
    status: str | None = None
    description: str = ""
    design: str = ""
    acceptance_criteria: str = ""
    notes: str = ""
    labels: tuple[str, ...] = ()


def read_issue(location: Location, issue_id: str, warn: Warn = lambda _: None) -> Issue:
    """The issue with exactly this id.

    `warn` is called with one sentence where the tracker could not be read and its export was read instead.

    Raises:
        InvalidInputError: no tracker could have an issue of this id.
        IssueNotFoundError: the tracker does not have it, or it was deleted.
        TrackerUnusableError: neither the tracker nor its export can be read.
        DatabaseError: the tracker's file cannot be read.
    """
    check_issue_id(issue_id)
    fields = _asked(
        location, lambda source: source.read_issue(location, issue_id), f"issue {issue_id} was", warn
    )
    issue = _issue_from(fields)
    if issue.status == "tombstone":
        raise IssueNotFoundError(
            f"issue {issue_id!r} was deleted from the tracker", hint="choose a living issue: `bd list`"
        )
    return issue


def ready_issues(location: Location, now: datetime, warn: Warn = lambda _: None) -> list[Issue]:
    """The issues that can be worked on now, the most urgent first, then the oldest.

    `warn` and what is raised are those of `read_issue`.
    """
    found = _asked(location, lambda source: source.ready(location, now), "what is ready was", warn)
    born = {issue: _moment(fields, "created_at") or now for fields in found if (issue := _issue_from(fields))}

    def urgency(issue: Issue) -> tuple[int, datetime, str]:
        return _LEAST_URGENT if issue.priority is None else issue.priority, born[issue], issue.id

    return sorted(born, key=urgency)


def ready_among(issues: Iterable[Fields], now: datetime) -> list[Fields]:
    """Those of a tracker's issues that can be worked on now: bd's rule, for where bd cannot be asked.

    They are open work, not deferred till later, and do not wait for another issue. The children of one that
    waits or is deferred wait with it.
    """
    unfinished = {fields["id"]: fields for fields in issues if fields.get("status") not in _OVER}
    waiting = {
        issue_id
        for issue_id, fields in unfinished.items()
        if _is_deferred(fields, now)
        or any(_is_open(other, unfinished) for other in _depends_on(fields, _BLOCKING))
    }
    grown = -1
    while grown != len(waiting):
        grown = len(waiting)
        waiting |= {
            issue_id
            for issue_id, fields in unfinished.items()
            if not waiting.isdisjoint(_depends_on(fields, _PARENT))
        }
    return [fields for issue_id, fields in unfinished.items() if issue_id not in waiting and _is_work(fields)]


def _is_work(fields: Fields) -> bool:
    hidden = fields.get("pinned") or fields.get("ephemeral")
    return fields.get("status") == "open" and not hidden and fields.get("issue_type") not in _NO_WORK


def _is_deferred(fields: Fields, now: datetime) -> bool:
    if not fields.get("defer_until"):
        return False
    until = _moment(fields, "defer_until")
    return until is None or until > now  # as bd has it, for which no time has come that it cannot read


def _moment(fields: Fields, name: str) -> datetime | None:
    """A time that a tracker wrote; without a zone it is UTC, as SQLite's own clock has it."""
    try:
        moment = datetime.fromisoformat(_text(fields, name))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_open(issue_id: object, unfinished: Mapping[object, Fields]) -> bool:
    """Whether another issue is still to be waited for; what another project has to do, nobody here knows."""
    other = unfinished.get(issue_id)
    if other is None:
        return str(issue_id).startswith("external:")
    return other.get("status") != "pinned"


def _depends_on(fields: Fields, kinds: frozenset[str]) -> list[object]:
    listed = fields.get("dependencies")
    dependencies = listed if isinstance(listed, list) else []
    return [
        dependency.get("depends_on_id")
        for dependency in dependencies
        if isinstance(dependency, dict) and dependency.get("type") in kinds
    ]


def check_issue_id(issue_id: str) -> None:
    """Refuse what cannot be the id of an issue in any tracker.

    Raises `InvalidInputError`: it is blank, too long, or contains line breaks or other control characters.
    """
    if not issue_id.strip():
        why = "it is blank"
    elif len(issue_id) > _MAX_ID_LENGTH:
        why = f"it has {len(issue_id)} characters, the most is {_MAX_ID_LENGTH}"
    elif not issue_id.isprintable():
        why = "it contains a line break or another unprintable character"
    else:
        return
    shown = repr(issue_id if len(issue_id) <= _MAX_ID_LENGTH else issue_id[:40] + "…")
    raise InvalidInputError(
        f"{shown} cannot be the id of an issue: {why}", hint="give an id as `bd list` shows it, such as bd-42"
    )


def _asked(location: Location, ask: Callable[[IssueSource], _Answer], what: str, warn: Warn) -> _Answer:
    """The answer of the tracker, or else of its export, which may be out of date."""
    fault = location.fault
    if fault is None:
        try:
            return ask(location.tracker)
        except DatabaseError as error:
            fault = error
    if location.jsonl is None:
        raise fault
    try:
        answer = ask(Export())
    except (IssueNotFoundError, TrackerUnusableError) as second:
        raise TrackerUnusableError(f"{fault}; {second}", hint=fault.hint) from fault
    warn(f"{what} read from {location.jsonl}, which may be out of date, because {fault}")
    return answer


def _issue_from(fields: Fields) -> Issue:
    """An issue from a tracker's row or JSON object; values of an unexpected type count as not said."""
    priority, labels = fields.get("priority"), fields.get("labels")
    return Issue(
        id=_text(fields, "id"),
        title=_text(fields, "title"),
        issue_type=_text(fields, "issue_type") or None,
        priority=priority if isinstance(priority, int) and not isinstance(priority, bool) else None,
        status=_text(fields, "status") or None,
        description=_text(fields, "description"),
        design=_text(fields, "design"),
        acceptance_criteria=_text(fields, "acceptance_criteria"),
        notes=_text(fields, "notes"),
        labels=tuple(storable(label) for label in labels if isinstance(label, str))
        if isinstance(labels, list)
        else (),
    )


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return storable(value) if isinstance(value, str) else ""


def _export_of(location: Location) -> ExportReader:
    if location.jsonl is None:
        raise IssueNotFoundError(
            f"{location.beads_dir} has no issue export to read issues from",
            hint="write one with `br sync --flush-only` (or `bd export -o .beads/issues.jsonl`),"
            " then try again",
        )
    return ExportReader(location.jsonl)


def _not_in(reader: ExportReader, issue_id: str) -> IssueNotFoundError:
    if reader.skipped:
        return IssueNotFoundError(
            f"{reader.path} has no readable line for issue {issue_id!r};"
            f" {reader.skipped} of its {reader.lines} lines could not be understood",
            hint="repair the export (git conflict markers? cut lines?), or let the tracker write it anew",
        )
    return IssueNotFoundError(
        f"{reader.path} has no issue {issue_id!r}",
        hint="if it is new, let the tracker write its export first",
    )
