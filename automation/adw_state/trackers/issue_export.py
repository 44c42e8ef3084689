"""An issue from the tracker's export, one JSON object per line.

Exports live in git and are edited, merged and cut off there: they carry conflict markers, duplicate ids
(the last one counts, as for bd's own import), CRLF, broken lines. A line that cannot be understood is
counted and skipped, never guessed at. Lines are read one at a time, whatever the size of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from adw_state.errors import IssueNotFoundError, TrackerUnusableError
from adw_state.text_files import decode_text
from adw_state.trackers.tracker import Fields

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location

# Far longer than any issue; a longer line is no issue, and is not taken into memory whole.
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MARK_BYTES = 4  # of the longest byte order mark


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
