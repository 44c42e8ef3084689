"""What the tracker says about one issue.

An issue is read from where its tracker keeps it (see `tracker`), or else from the tracker's export, which has
one JSON object per line. It is read once per run and never written.

Exports live in git and are edited, merged and cut off there: they carry conflict markers, duplicate ids
(the last one counts, as for bd's own import), CRLF, broken lines. A line that cannot be understood is
counted and skipped, never guessed at. Lines are read one at a time, whatever the size of the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from adw_state.errors import DatabaseError, InvalidInputError, IssueNotFoundError, TrackerUnusableError
from adw_state.text_files import decode_text, storable
from adw_state.trackers.locate import Location
from adw_state.trackers.tracker import Fields

MAX_ID_LENGTH = 200
# Far longer than any issue; a longer line is no issue, and is not taken into memory whole.
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MARK_BYTES = 4  # of the longest byte order mark

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
    try:
        found = issue_in_export(location, issue_id)
    except (IssueNotFoundError, TrackerUnusableError) as second:
        raise TrackerUnusableError(f"{fault}; {second}", hint=fault.hint) from fault
    warn(f"issue {issue_id} was read from {location.jsonl}, which may be out of date, because {fault}")
    return found


@dataclass(slots=True)
class ExportReader:
    """Goes through the objects of an issue export and counts what it skips."""

    path: Path
    lines: int = 0
    skipped: int = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Every JSON object that has an id, in the order of the file.

        Raises `TrackerUnusableError`: the file cannot be read, or is in another encoding than UTF-8.
        """
        try:
            with self.path.open("rb") as file:
                self._require_utf8(file)
                while line := file.readline(_MAX_LINE_BYTES):
                    if _skip_rest(line, file):
                        line = b"too long"
                    if line.strip():
                        yield from self._objects(line)
        except OSError as error:
            raise TrackerUnusableError(
                f"{self.path} cannot be read: {error.strerror}", hint="check the file and its permissions"
            ) from error

    def _require_utf8(self, file: BinaryIO) -> None:
        try:
            decode_text(file.read(_MARK_BYTES), "replace")
        except ValueError as error:
            raise TrackerUnusableError(
                f"{self.path} cannot be understood: {error}", hint="let the tracker write its export anew"
            ) from error
        file.seek(0)

    def _objects(self, line: bytes) -> Iterator[Mapping[str, Any]]:
        self.lines += 1
        try:
            value = json.loads(line, strict=False)  # a text may hold tabs and carriage returns as they are
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            yield value
        else:
            self.skipped += 1


def _skip_rest(line: bytes, file: BinaryIO) -> bool:
    """Whether the line goes on beyond what was read of it; if so, read past its end."""
    cut = False
    while len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
        cut, line = True, file.readline(_MAX_LINE_BYTES)
    return cut


def issue_in_export(location: Location, issue_id: str) -> Fields:
    """The newest object of the issue in the project's export, and its labels.

    Raises:
        IssueNotFoundError: there is no export, or no line that can be understood is about this issue.
        TrackerUnusableError: the export cannot be read.
    """
    if location.jsonl is None:
        raise IssueNotFoundError(
            f"{location.beads_dir} has no issue export to read issue {issue_id!r} from",
            hint="write one with `br sync --flush-only` (or `bd export -o .beads/issues.jsonl`),"
            " then try again",
        )
    reader = ExportReader(location.jsonl)
    newest: Mapping[str, Any] | None = None
    for candidate in reader:
        if candidate["id"] == issue_id:
            newest = candidate
    if newest is None:
        raise _not_in(reader, issue_id)
    labels = newest.get("labels")
    return newest, labels if isinstance(labels, list) else []


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
