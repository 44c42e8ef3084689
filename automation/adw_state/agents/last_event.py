"""The last event of an agent at work, as it stands in the folder of its call for whoever looks at the run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from adw_state.clock import format_time, parse_time
from adw_state.text_files import replace_file

_FILE = "last_event.json"


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The kind of the last event of a call, when it was read, and how many there were before it and with it.

    `skipped_lines` were too long to be read.
    """

    at: datetime
    kind: str | None
    events: int
    skipped_lines: int = 0


def note_last_event(call_folder: Path, event: LastEvent) -> None:
    """Write down the last event of a call."""
    replace_file(call_folder / _FILE, json.dumps({**asdict(event), "at": format_time(event.at)}) + "\n")


def forget_last_event(call_folder: Path) -> None:
    """Take away what an earlier call in this folder left."""
    (call_folder / _FILE).unlink(missing_ok=True)


def events_of_runs(agents_folder: Path, run_ids: Iterable[str]) -> dict[str, LastEvent]:
    """The newest event of the agent that works on each of these runs, where one has said anything."""
    found = {run_id: _newest(agents_folder / run_id) for run_id in run_ids}
    return {run_id: event for run_id, event in found.items() if event is not None}


def _newest(run_folder: Path) -> LastEvent | None:
    calls = (path.parent for path in run_folder.glob(f"*/attempt-*/{_FILE}"))
    events = [_read(call / _FILE) for call in calls if not (call / "ended.json").exists()]
    return max((event for event in events if event is not None), default=None, key=lambda event: event.at)


def _read(path: Path) -> LastEvent | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return LastEvent(parse_time(said["at"]), said["kind"], said["events"], said["skipped_lines"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
