"""What the tracker says about one issue.

An issue is read from wherever its tracker keeps the truth: bd's SQLite file, the `bd` program where the
store is Dolt, or the issue export. It is read once per run and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from adw_state.errors import DatabaseError, InvalidInputError, IssueNotFoundError, TrackerUnusableError
from adw_state.trackers.locate import Location, Tracker

MAX_ID_LENGTH = 200

Fields = tuple[Mapping[str, object], Iterable[object]]
Warn = Callable[[str], None]


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
    fields, labels = _read(location, issue_id, warn)
    issue = issue_from(fields, labels)
    if issue.status == "tombstone":
        raise IssueNotFoundError(
            f"issue {issue_id!r} was deleted from the tracker", hint="choose a living issue: `bd list`"
        )
    return issue


def check_issue_id(issue_id: str) -> None:
    """Refuse what cannot be the id of an issue in any tracker.

    Raises:
        InvalidInputError: it is blank, too long, or contains line breaks or other control characters.
    """
    if not issue_id.strip():
        why = "it is blank"
    elif len(issue_id) > MAX_ID_LENGTH:
        why = f"it has {len(issue_id)} characters, the most is {MAX_ID_LENGTH}"
    elif not issue_id.isprintable():
        why = "it contains a line break or another unprintable character"
    else:
        return
    shown = repr(issue_id if len(issue_id) <= MAX_ID_LENGTH else issue_id[:40] + "…")
    raise InvalidInputError(
        f"{shown} cannot be the id of an issue: {why}", hint="give an id as `bd list` shows it, such as bd-42"
    )


def issue_from(fields: Mapping[str, object], labels: Iterable[object]) -> Issue:
    """An issue from a tracker's row or JSON object; values of an unexpected type count as not said."""
    priority = fields.get("priority")
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
        labels=tuple(_storable(label) for label in labels if isinstance(label, str)),
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return _storable(value) if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """`text` without what a database or a terminal refuses: NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _read(location: Location, issue_id: str, warn: Warn) -> Fields:
    """The raw fields and labels, from the best source; each source is loaded only where it is used."""
    if location.fault is not None:
        return _from_export(location.jsonl, issue_id, location.fault, warn)
    if location.tracker is Tracker.BD and location.tracker_database is not None:
        return _from_database(location.tracker_database, location.jsonl, issue_id, warn)
    if location.tracker is Tracker.BD_DOLT and location.beads_dir is not None:
        return _from_dolt(location.beads_dir, location.jsonl, issue_id, warn)
    if location.jsonl is not None:
        from adw_state.trackers.issue_export import issue_in_export

        return issue_in_export(location.jsonl, issue_id)
    raise _no_source(location, issue_id)


def _from_dolt(beads_dir: Path, export: Path | None, issue_id: str, warn: Warn) -> Fields:
    """What bd says, or else the export, which may be older than the store."""
    from adw_state.trackers.issue_command import issue_from_bd

    try:
        return issue_from_bd(beads_dir, issue_id)
    except TrackerUnusableError as error:
        return _from_export(export, issue_id, error, warn)


def _from_database(database: Path, export: Path | None, issue_id: str, warn: Warn) -> Fields:
    """What bd's file says, or else the export, where the file is damaged."""
    from adw_state.trackers.issue_rows import issue_in_database

    try:
        return issue_in_database(database, issue_id)
    except DatabaseError as error:
        return _from_export(export, issue_id, error, warn)


def _from_export(export: Path | None, issue_id: str, fault: DatabaseError, warn: Warn) -> Fields:
    """What the export says, because of a fault of the tracker, which is raised where the export fails too."""
    if export is None:
        raise fault
    from adw_state.trackers.issue_export import issue_in_export

    try:
        found = issue_in_export(export, issue_id)
    except (IssueNotFoundError, TrackerUnusableError) as second:
        raise TrackerUnusableError(f"{fault}; {second}", hint=fault.hint) from fault
    warn(f"issue {issue_id} was read from {export}, which may be out of date, because {fault}")
    return found


def _no_source(location: Location, issue_id: str) -> IssueNotFoundError:
    if location.tracker is Tracker.NONE:
        return IssueNotFoundError(
            f"there is no tracker to read issue {issue_id!r} from",
            hint="say what it is with --title, --type and --priority, or run inside a project with beads",
        )
    return IssueNotFoundError(
        f"{location.beads_dir} has no issue export to read issue {issue_id!r} from",
        hint="write one with `br sync --flush-only` (or `bd export -o .beads/issues.jsonl`), then try again",
    )
