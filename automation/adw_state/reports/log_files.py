"""Finding the logs and states below some folders, each once, logs in the order of their beginning."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from adw_state.reports.json_states import STATE_NAMES
from adw_state.reports.log_records import first_moment
from adw_state.reports.notes import Notebook

UNREADABLE = "logs that cannot be read"
_LOG_NAME = "execution.log"
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Log:
    path: Path
    began_at: datetime
    size: int


def find_states(roots: Iterable[Path], agents_root: Path | None) -> list[Path]:
    """The state of every run's folder. Other tools, too, call a file state.json: only below agents_root."""
    return sorted(
        path
        for path in _files(roots, STATE_NAMES)
        if path.name == STATE_NAMES[0] or path.parent.parent == agents_root
    )


def find_logs(roots: Iterable[Path], zone: tzinfo | None, notebook: Notebook) -> list[Path]:
    """Every log that can be read, in the order of their first records; of equal ones the first."""
    logs = [log for path in sorted(_files(roots, (_LOG_NAME,))) if (log := _look_at(path, zone, notebook))]
    sizes = Counter(log.size for log in logs)
    met: set[str] = set()
    kept = []
    for log in sorted(logs, key=lambda log: (log.began_at, log.path)):
        # Only files of one size can be equal, so the others need no second reading.
        digest = _digest(log.path) if sizes[log.size] > 1 else str(log.path)
        if digest in met:
            notebook.add("duplicate logs", log.path)
        else:
            kept.append(log.path)
        met.add(digest)
    return kept


def _files(roots: Iterable[Path], names: tuple[str, ...]) -> set[Path]:
    return {
        path
        for root in roots
        for folder, _, found in os.walk(root)
        for name in names
        if name in found and (path := Path(folder, name)).is_file()
    }


def _look_at(path: Path, zone: tzinfo | None, notebook: Notebook) -> _Log | None:
    try:
        moment, size = first_moment(path, zone), path.stat().st_size
    except OSError as error:
        notebook.add(UNREADABLE, f"{path}: {error.strerror}")
        return None
    if moment is None:
        notebook.add("logs without a record", path)
    return _Log(path, moment or _LAST, size)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # gone since; whoever reads it will say so
        return str(path)
