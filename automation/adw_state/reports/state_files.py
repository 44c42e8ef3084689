"""What the JSON files of a run tell: its state and its newest checkpoint.

`adw_state.json` (older teams: `state.json`) comes in as many dialects as there are teams; what is read
is listed here, all else is left alone. `<phase>/checkpoints.json` is a list in order of saving. A file
that cannot be understood is noted and skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from operator import itemgetter
from pathlib import Path

from adw_state.built_in import MOST_PHASES
from adw_state.errors import StateFileError
from adw_state.json_state import CHECKPOINTS_NAME, STATE_NAME, read_object
from adw_state.log_forms import UNKNOWN
from adw_state.reports.reading import Notebook, free_text_in, issue_type_in, moment_in, text_in
from adw_state.reports.run_history import AttemptHistory, RunHistory, phase_named
from adw_state.store.records import ATTEMPT_STATUSES, EXECUTION_STATUSES

STATE_NAMES = (STATE_NAME, "state.json")
_MOST_BYTES = 32 * 1024 * 1024


def read_state(path: Path, zone: tzinfo | None, notebook: Notebook) -> RunHistory | None:
    """What the state in `path` and the checkpoints beside it tell; times without a zone are of `zone`."""
    state = _read(path, notebook)
    if state is None:
        return None
    signs = (moment_in(state, zone, name) for name in ("updated_at", "heartbeat_at"))
    checkpoint_name, checkpoint_at = _newest_checkpoint(path.parent, zone, notebook) or (None, None)
    return RunHistory(
        run_id=text_in(state, "adw_id") or path.parent.name,
        workflow=text_in(state, "workflow") or UNKNOWN,
        phases=tuple(_phases(state.get("phases"))),
        issue_id=text_in(state, "issue_id", "issue_number"),
        issue_title=free_text_in(state, "issue_title", "github_title"),
        issue_type=issue_type_in(state),
        environment=text_in(state, "environment"),
        phase=phase_named(text_in(state, "current_phase") or UNKNOWN),
        status=_status(state, notebook),
        started_at=moment_in(state, zone, "started_at", "created_at", "worktree_created_at"),
        completed_at=moment_in(state, zone, "completed_at"),
        updated_at=max((moment for moment in signs if moment), default=None),
        error_message=free_text_in(state, "error_message", "error"),
        attempts=list(_attempts(state.get("phase_results"), zone, notebook)),
        checkpoint_name=checkpoint_name,
        checkpoint_at=checkpoint_at,
    )


def _attempts(results: object, zone: tzinfo | None, notebook: Notebook) -> Iterator[AttemptHistory]:
    """The attempts that a state lists, numbered per phase in the order of their beginning."""
    entries = [entry for entry in results if isinstance(entry, dict)] if isinstance(results, list) else []
    dated = ((moment_in(entry, zone, "started_at"), entry) for entry in entries)
    known = [(began, entry) for began, entry in dated if began is not None and text_in(entry, "phase")]
    if len(known) < len(entries):
        notebook.add("attempts in states without a phase or a start", count=len(entries) - len(known))
    tries: Counter[str] = Counter()
    for began, entry in sorted(known, key=lambda pair: pair[0]):
        phase = phase_named(text_in(entry, "phase") or UNKNOWN)
        tries[phase] += 1
        attempt = AttemptHistory(phase, tries[phase], began)
        status = _attempt_status(entry)
        if status != attempt.status:
            attempt.end(status, moment_in(entry, zone, "completed_at"), free_text_in(entry, "error_message"))
        yield attempt


def _attempt_status(entry: Mapping[str, object]) -> str:
    status = text_in(entry, "status")
    if status in ATTEMPT_STATUSES:
        return status
    success = entry.get("success")
    return ("completed" if success else "failed") if isinstance(success, bool) else UNKNOWN


def _newest_checkpoint(folder: Path, zone: tzinfo | None, notebook: Notebook) -> tuple[str, datetime] | None:
    found = (_last_of(path, zone, notebook) for path in sorted(folder.glob(f"*/{CHECKPOINTS_NAME}")))
    return max(filter(None, found), key=itemgetter(1), default=None)


def _last_of(path: Path, zone: tzinfo | None, notebook: Notebook) -> tuple[str, datetime] | None:
    entries = (_read(path, notebook) or {}).get("checkpoints")
    last = entries[-1] if isinstance(entries, list) and entries else None
    if not isinstance(last, dict):
        return None
    name, saved_at = text_in(last, "step"), moment_in(last, zone, "timestamp")
    if name is None or saved_at is None:
        notebook.add("checkpoints without a step or a time", path)
        return None
    return name, saved_at


def _read(path: Path, notebook: Notebook) -> Mapping[str, object] | None:
    try:
        return read_object(path, most_bytes=_MOST_BYTES)
    except StateFileError as error:
        notebook.add("JSON files that cannot be read", error)
        return None


def _phases(listed: object) -> Iterator[str]:
    if isinstance(listed, list) and len(listed) <= MOST_PHASES:
        yield from (phase_named(name) for name in listed if isinstance(name, str) and name)


def _status(state: Mapping[str, object], notebook: Notebook) -> str:
    word = text_in(state, "status")
    if word in EXECUTION_STATUSES:
        return word
    if word is not None:
        notebook.add("states with an unknown status", word)
    return UNKNOWN
