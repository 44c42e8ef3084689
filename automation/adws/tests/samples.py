"""Small samples of what people have: a tracker in use, its export, states of other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from adw_state.trackers.tracker import Issue

_TYPES = ("bug", "feature", "task", "epic", "chore", "message", "merge-request", None)
_TITLES = (
    "Login fails",
    "Überschrift mit Umlaut",
    'A "quoted" title',
    "Tab\tin it",
    "绿色 🎉",
    "-- not a flag",
)
# The shapes in which trackers of the years write a time.
TIMES = (
    "2025-10-24T22:38:42Z",
    "2025-10-24T22:38:42.1Z",
    "2025-10-24T22:38:42.123456789-07:00",
    "2025-10-24T22:38:42.123456+00:00",
    "2025-10-24 22:38:42",
    "0001-01-01T00:00:00Z",
)


def issues_in_use(count: int = 85) -> tuple[Issue, ...]:
    """The issues of a tracker that a team has worked with, of every type and priority."""
    return tuple(
        Issue(
            f"mtg-{number}",
            f"{_TITLES[number % len(_TITLES)]} {number}",
            _TYPES[number % len(_TYPES)] or "task",
            number % 5,
            status=("open", "in_progress", "closed")[number % 3],
            labels=tuple(f"label-{n}" for n in range(number % 3)),
            description="Since the last release.\nAlways.",
        )
        for number in range(1, count + 1)
    )


def export_lines(count: int = 61) -> Iterator[dict[str, Any]]:
    """The lines of an issue export, with the fields that only some of them have."""
    for number, issue in enumerate(issues_in_use(count)):
        line: dict[str, Any] = {
            "id": issue.id,
            "title": issue.title,
            "status": issue.status,
            "priority": issue.priority,
            "issue_type": issue.issue_type,
            "created_at": TIMES[number % len(TIMES)],
            "updated_at": TIMES[(number + 1) % len(TIMES)],
        }
        if issue.labels:
            line["labels"] = list(issue.labels)
        if number % 4 == 0:
            line["dependencies"] = [{"issue_id": issue.id, "depends_on_id": "mtg-1", "type": "blocks"}]
        if issue.status == "closed":
            line["closed_at"] = TIMES[number % len(TIMES)]
        yield line


def states_of_others() -> list[dict[str, Any]]:
    """JSON states as other programs leave them: their own keys, types and ids."""
    return [
        {"adw_id": "a1b2c3d4", "issue_number": "7", "issue_class": "/feature", "plan_file": None},
        {
            "adw_id": "adw_1760000000_a1b2c3d4",
            "issue_number": 7,
            "branch_name": "feat-7",
            "model_set": "base",
        },
        {"adw_id": "--skip-e2e", "issue_number": "--prompt", "all_adws": ["adw_plan"], "backend_port": 9100},
        {"adw_id": "ADW-1", "phase_results": [{"phase": "plan", "success": True}], "current_phase": None},
        {"adw_id": "x", "github_title": 'Ünï "quoted"\nline', "nested": {"deep": [1, 2.5, None, True]}},
    ]


def as_json_lines(lines: Iterator[dict[str, Any]]) -> str:
    """One JSON object per line."""
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
