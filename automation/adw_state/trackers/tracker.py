"""What is asked of a tracker: is it this one, do our tables lie in its file, what does it say of an issue?

One module per tracker answers (`bd`, `bd_dolt`, `br`), and `search` lists them. The names bd, Dolt and br
mean nothing to any other module than these. A project may have none; then the command line says the issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from adw_state.errors import IssueNotFoundError

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found

Fields: TypeAlias = tuple[Mapping[str, object], Iterable[object]]
"""An issue as its tracker tells it: its fields by their names in bd, and its labels."""

GIVEN = "given on the command line (--title …)"
"""Where issues come from when there is nothing to read them from."""


class Tracker(Protocol):
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

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """What it says about the issue with exactly this id.

        Raises `IssueNotFoundError` where it has none, and `DatabaseError` where it cannot be asked; then
        its export is read instead.
        """


class _NoTracker:
    name = "none"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:  # noqa: ARG002 - something was found
        """Nothing: where something was found there is a tracker."""
        return ()

    def issue_source(self, location: Location) -> str:
        """An export that lies about, or whoever calls."""
        return f"read from {location.jsonl}" if location.jsonl else GIVEN

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """There is nothing to read it from."""
        raise IssueNotFoundError(
            f"there is no tracker to read issue {issue_id!r} from, at {location.project}",
            hint="say what it is with --title, --type and --priority, or run inside a project with beads",
        )


NO_TRACKER = _NoTracker()
