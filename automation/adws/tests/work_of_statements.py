"""How much SQLite works on a statement: the steps of its virtual machine, which depend on no clock.

A statement that finds its rows by an index takes as many steps in a large table as in a small one.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_0-9]+)")


def steps_of(connection: sqlite3.Connection, text: str, params: Mapping[str, object]) -> int:
    """The steps that a statement takes to its last row; what it writes is rolled back.

    Parameters that are not given are NULL.
    """
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    wanted = {name: params.get(name) for name in _PARAMETER.findall(text)}
    connection.execute("BEGIN")
    connection.set_progress_handler(count, 1)
    try:
        connection.execute(text, wanted).fetchall()
    finally:
        connection.set_progress_handler(None, 1)
        connection.execute("ROLLBACK")
    return steps


def fill(connection: sqlite3.Connection, executions: int) -> None:
    """Make runs `run-1`, `run-2`, … of issues `any-1`, …: half completed, the others at work in `build`.

    Each has two attempts and five checkpoints. They began a minute apart, the newest at noon.
    """
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {executions})"
    began = (
        f"strftime('%Y-%m-%dT%H:%M:%S', julianday('2026-11-23T12:00:00') - ({executions} - i) / 1440.0)"
        " || '.000000Z'"
    )
    ended = f"CASE WHEN i % 2 = 0 THEN {began} END"
    connection.executescript(
        f"""
        INSERT INTO adw_executions (id, issue_id, issue_type, workflow, environment, phases, phase, status,
            started_at, updated_at, completed_at, heartbeat_at, fence, claimed)
        {numbers} SELECT 'run-' || i, 'any-' || i, 'bug', 'ours', 'local', '["plan","build"]', 'build',
            CASE WHEN i % 2 = 0 THEN 'completed' ELSE 'in_progress' END, {began}, {began}, {ended}, {began},
            1, i % 2 FROM n;
        INSERT INTO adw_phase_attempts (execution_id, phase, place, attempt, status, started_at, finished_at,
            duration_seconds)
        {numbers}, p(phase, place) AS (VALUES ('plan', 1), ('build', 2))
        SELECT 'run-' || i, phase, place, 1, 'completed', {began}, {began}, 1.5 FROM n CROSS JOIN p;
        INSERT INTO adw_checkpoints (op_id, execution_id, seq, phase, attempt, checkpoint_name,
            checkpoint_data, created_at)
        {numbers}, c(seq) AS (VALUES (1), (2), (3), (4), (5))
        SELECT 'op-' || i || '-' || seq, 'run-' || i, seq, 'plan', 1, 'step-' || seq, '{{}}', {began}
        FROM n CROSS JOIN c;
        ANALYZE;
        """
    )
