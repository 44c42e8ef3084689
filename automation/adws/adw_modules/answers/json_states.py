"""What the JSON files of a run tell: its state and its newest checkpoint.

`adw_state.json` (older teams: `state.json`) comes in as many dialects as there are teams; what is read
is listed here, all else is left alone. `<phase>/checkpoints.json` is a list in order of saving. A file
that cannot be understood is noted and skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adws.adw_modules.answers.notes import Notebook
from adws.adw_modules.store.records import EXECUTION_STATUSES, PHASES

STATE_NAMES = ("adw_state.json", "state.json")
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SavedStep:
    """A checkpoint of a run: its name and when it was saved."""

    name: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SavedState:
    """What is read of one state file. None where the file does not say."""

    run_id: str
    issue_id: str | None
    issue_title: str | None
    issue_type: str | None
    environment: str | None
    workflow: str | None
    phase: str | None
    status: str | None
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime | None
    error_message: str | None
    newest_step: SavedStep | None


def read_state(path: Path, zone: tzinfo | None, notebook: Notebook) -> SavedState | None:
    """The state in `path`, with the newest checkpoint beside it; times without a zone are of `zone`."""
    state = _read_object(path, notebook)
    if state is None:
        return None
    return SavedState(
        run_id=text_in(state, "adw_id") or path.parent.name,
        issue_id=text_in(state, "issue_id", "issue_number"),
        issue_title=text_in(state, "issue_title", "github_title"),
        issue_type=issue_type_in(state),
        environment=text_in(state, "environment"),
        workflow=text_in(state, "workflow"),
        phase=_one_of(state, "phase", PHASES, notebook),
        status=_one_of(state, "status", EXECUTION_STATUSES, notebook),
        started_at=_moment(state, zone, "started_at", "created_at", "worktree_created_at"),
        completed_at=_moment(state, zone, "completed_at"),
        updated_at=_moment(state, zone, "updated_at"),
        error_message=text_in(state, "error_message", "error"),
        newest_step=_newest_step(path.parent, zone, notebook),
    )


def issue_type_in(state: dict[str, object]) -> str | None:
    """The issue's type; some teams write it as the slash command that it chose."""
    name = text_in(state, "issue_type", "issue_class")
    return name.removeprefix("/") or None if name else None


def text_in(state: dict[str, object], *names: str) -> str | None:
    """The first of these fields that holds a text that is not blank, or a whole number."""
    for name in names:
        value = state.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _newest_step(folder: Path, zone: tzinfo | None, notebook: Notebook) -> SavedStep | None:
    steps = [
        step
        for phase in PHASES
        if (step := _last_step(folder / phase / "checkpoints.json", zone, notebook)) is not None
    ]
    return max(steps, key=lambda step: step.saved_at, default=None)


def _last_step(path: Path, zone: tzinfo | None, notebook: Notebook) -> SavedStep | None:
    if not path.is_file():
        return None
    entries = (_read_object(path, notebook) or {}).get("checkpoints")
    last = entries[-1] if isinstance(entries, list) and entries else None
    if not isinstance(last, dict):
        return None
    name, saved_at = text_in(last, "step"), _moment(last, zone, "timestamp")
    if name is None or saved_at is None:
        notebook.add("checkpoints without a step or a time", path)
        return None
    return SavedStep(name, saved_at)


def _read_object(path: Path, notebook: Notebook) -> dict[str, object] | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            notebook.add("JSON files of more than 32 MiB", path)
            return None
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        notebook.add("JSON files that cannot be read", f"{path}: {error}")
        return None
    if not isinstance(value, dict):
        notebook.add("JSON files that do not hold an object", path)
        return None
    return value


def _one_of(state: dict[str, object], name: str, known: Iterable[str], notebook: Notebook) -> str | None:
    word = text_in(state, name)
    if word is None or word in known:
        return word
    notebook.add(f"states whose {name} is none of ours", word)
    return None


def _moment(state: dict[str, object], zone: tzinfo | None, *names: str) -> datetime | None:
    for name in names:
        text = state.get(name)
        if not isinstance(text, str):
            continue
        try:
            moment = datetime.fromisoformat(text)
            local = moment.replace(tzinfo=zone) if moment.tzinfo is None and zone else moment
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
