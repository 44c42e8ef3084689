"""What reconciliation costs: opening a large healthy database, and reconciliation many renamed issues.

Measured on scratch databases of our own making, never on a tracker's. Times are in milliseconds.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adw_state.built_in import PHASES, WORKFLOW
from adw_state.clock import SettableClock
from adw_state.schema import migrations
from adw_state.shared_file import SharedFile, reconcile
from adw_state.store import opening, sql
from adw_state.store.database import Database
from adw_state.store.executions import create_statement
from adw_state.store.home import OwnFile
from adw_state.store.records import encode_phases
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue
from benchmarks.timings import seconds_for, summarize

_NOW = "2026-01-02T03:04:05.000000Z"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: what was done, with how much, how often, and how long it took against its target."""

    name: str
    executions: int
    issues: int
    rounds: int
    mean_ms: float
    p95_ms: float
    target_ms: float

    @property
    def on_goal(self) -> bool:
        """Whether the target is met: at 95 of 100 rounds."""
        return self.p95_ms < self.target_ms


def measure(
    folder: Path, *, executions: int = 100_000, issues: int = 10_000, rounds: int = 200
) -> list[Figure]:
    """The figures, measured on databases that are made in `folder` and left there."""
    healthy = _made(folder / "healthy.db", executions, issues)
    _seconds_to_reconcile(healthy)
    opened = [_seconds_to_open(healthy) for _ in range(rounds)]
    after_activity = [_seconds_to_open(_with_new_issue(healthy, number)) for number in range(rounds)]
    renamed = _made(folder / "renamed.db", issues, issues)
    _seconds_to_reconcile(renamed)
    _rename_all(renamed)
    reconciled = _seconds_to_reconcile(renamed)
    return [
        _figure("opening a healthy database", executions, issues, opened, 1.0),
        _figure("opening after the tracker made an issue", executions, issues, after_activity, 1.0),
        _figure("reconciliation after every issue was renamed", issues, issues, [reconciled], 2_000.0),
    ]


def _seconds_to_open(path: Path) -> float:
    """What reconciliation adds to an opening; the connection is there already, as in an opening."""
    with closing(Database(path, clock=SettableClock(_NOW))) as database:
        opening.inspect(database)
        return seconds_for(lambda: SharedFile(database).follow())


def _seconds_to_reconcile(path: Path) -> float:
    """What reconciliation costs with the opening of the connections it uses."""
    with closing(Database(path, clock=SettableClock(_NOW))) as database:
        return seconds_for(lambda: reconcile(database))


def _figure(name: str, executions: int, issues: int, seconds: Sequence[float], target_ms: float) -> Figure:
    timings = summarize(seconds)
    return Figure(name, executions, issues, timings.runs, timings.mean_ms, timings.p95_ms, target_ms)


def _made(path: Path, executions: int, issues: int) -> Path:
    """A tracker's file with this many issues and executions, migrated."""
    clock = SettableClock(_NOW)
    create_beads_database(
        path, "bench", [Issue(f"bench-{n}", f"Issue {n}", "task", 2) for n in range(issues)], clock.now()
    )
    migrations.apply(path, backup_folder=path.parent / "backups", clock=clock)
    text = create_statement(OwnFile().issue)
    fixed: dict[str, object] = dict.fromkeys(re.findall(r":([a-z_]+)", text)) | {
        "issue_title": "Issue",
        "issue_type": "task",
        "issue_priority": 2,
        "workflow": WORKFLOW,
        "environment": "local",
        "phases": encode_phases(PHASES),
        "phase": PHASES[0],
        "status": "pending",
        "fence": 0,
        "claimed": 0,
        "now": _NOW,
    }
    rows = ({**fixed, "id": f"run-{n:09d}", "issue_id": f"bench-{n % issues}"} for n in range(executions))
    with closing(_connect(path)) as connection, connection:
        for row in rows:
            # One by one: from Python 3.12 on `executemany` takes no statement that returns rows.
            connection.execute(text, row).fetchall()
    return path


def _with_new_issue(path: Path, number: int) -> Path:
    """What `bd create` leaves behind: one more issue and its event."""
    texts = sql.load("bd")
    blank = dict.fromkeys(("description", "design", "acceptance_criteria", "notes"), "")
    issue = {"id": f"bench-new-{number}", "title": "A new one", "issue_type": "task", "priority": 2}
    row = {**blank, **issue, "status": "open", "now": _NOW, "closed_at": None, "actor": "bench"}
    with closing(_connect(path)) as connection, connection:
        connection.execute(texts["add_issue"], row)
        connection.execute(texts["add_event"], row)
    return path


def _rename_all(path: Path) -> None:
    """What `bd rename-prefix` leaves behind: other ids, foreign keys off, and an event for each."""
    with closing(_connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (issue_id, event_type, actor, old_value, new_value)"
            " SELECT 'new-' || id, 'renamed', 'bench', id, 'new-' || id FROM issues"
        )
        connection.execute("UPDATE issues SET id = 'new-' || id")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    return connection
