"""What the tracker says about one issue.

An issue is read from where its tracker keeps it (see `tracker`), or else from the tracker's export. It is
read once per run and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from adw_state.errors import DatabaseError, InvalidInputError, IssueNotFoundError, TrackerUnusableError
from adw_state.text_files import storable
from adw_state.trackers.locate import Location
from adw_state.trackers.tracker import Fields

MAX_ID_LENGTH = 200

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

    Raises `InvalidInputError`: it is blank, too long, or contains line breaks or other control characters.
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
        labels=tuple(storable(label) for label in labels if isinstance(label, str)),
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return storable(value) if isinstance(value, str) else ""


def _read(location: Location, issue_id: str, warn: Warn) -> Fields:
    """What the tracker says, or else its export, which may be out of date."""
    fault = location.fault
    if fault is None:
        try:
            return location.tracker.read_issue(location, issue_id)
        except IssueNotFoundError:
            raise
        except DatabaseError as error:
            fault = error
    if location.jsonl is None:
        raise fault
    from adw_state.trackers.issue_export import issue_in_export

    try:
        found = issue_in_export(location, issue_id)
    except (IssueNotFoundError, TrackerUnusableError) as second:
        raise TrackerUnusableError(f"{fault}; {second}", hint=fault.hint) from fault
    warn(f"issue {issue_id} was read from {location.jsonl}, which may be out of date, because {fault}")
    return found
