r"""The sentences that a run log is read by, and how text from outside stands among them.

Such a text is written as it is where it can be told from our sentences and is read back the same. Else it is
a JSON string, so a title or an error can neither forge a record nor lose a blank at its end:

    INFO - Issue #bd-1: type=bug priority=1 title=Login fails
    INFO - Issue #bd-1: type=bug priority=1 title="Login\nfails "
    INFO - Phases of ADW workflow thorough: plan, build, test, review
    ERROR - "Build phase completed successfully"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from adw_state.visible_text import visible_json

UNKNOWN = "unknown"
ANNOUNCEMENT = "ADW Logger initialized - ID: "

FORMS = {
    name: re.compile(form)
    for name, form in (
        ("start", r"(?P<verb>Starting|Resuming) ADW workflow for issue #(?P<issue>.+)"),
        (
            "issue",
            r'Issue #(?P<issue>.+?): type=(?P<type>"(?:[^"\\]|\\.)*"|.*?)'
            r" priority=(?P<priority>-?\d{1,9}|unknown) title=(?P<title>.*)",
        ),
        (
            "workflow",
            r'Phases of ADW workflow (?P<workflow>"(?:[^"\\]|\\.)*"|.+):'
            r" (?P<phases>[a-z][\w-]*(?:, [a-z][\w-]*)*)",
        ),
        ("attempt", r"Running (?:\S*/)?adw_(?P<phase>[\w-]{1,50})\.py"),
        ("completed", r"(?P<phase>[\w-]{1,50}) phase completed successfully"),
        ("interrupted", r"(?P<phase>[\w-]{1,50}) phase interrupted\b.*"),
        ("failed", r"(?:\S*/)?adw_(?P<phase>[\w-]{1,50})\.py failed with exit code -?\d+"),
        ("end", r"ADW workflow (?P<status>completed|failed|cancelled) for issue #(?P<issue>.+)"),
        ("foreign attempt", r"ADW (?P<phase>\w{1,40}) starting - ID: .+, Issue: (?P<issue>.+)"),
        ("state", r"State: \{.*"),
    )
}


def issue_line(issue_id: str, title: str | None, issue_type: str | None, priority: int | None) -> str:
    """What a log says of the issue of its run."""
    kind = UNKNOWN if issue_type is None else quoted(issue_type)
    urgency = UNKNOWN if priority is None else priority
    name = "" if title is None else quoted(title)
    return f"Issue #{issue_id}: type={kind} priority={urgency} title={name}"


def workflow_line(workflow: str, phases: Iterable[str]) -> str:
    """What a log says of the workflow of its run."""
    return f"Phases of ADW workflow {quoted(workflow)}: {', '.join(phases)}"


def quoted(text: str) -> str:
    """`text` as it stands in a record, on one line."""
    plain = text.isprintable() and text == text.strip() and text not in ("", UNKNOWN)
    return text if plain and not text.startswith('"') and not _is_sentence(text) else visible_json(text)


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError:
            return text
        if isinstance(value, str):
            return value
    return text


def _is_sentence(text: str) -> bool:
    if text.startswith(ANNOUNCEMENT) or " priority=" in text:
        return True
    return any(form.fullmatch(text) for form in FORMS.values())
