"""No tracker at all: what the issue is must be said on the command line, unless an export lies about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw_state.errors import IssueNotFoundError
from adw_state.trackers.tracker import GIVEN, Fields

if TYPE_CHECKING:
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found


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
