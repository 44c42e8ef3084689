-- Runs read from logs, in tables of the shapes that reports.sql asks, in memory only.
--
-- They have no constraints: a log may leave the outcome, the phase or the issue open, and such a run
-- must be counted as unknown rather than be refused. What a question asks and no log tells is empty, and
-- there all the same.

-- name: executions
-- The runs.
CREATE TABLE adw_executions (
    id TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    issue_title TEXT,
    issue_type TEXT,
    workflow TEXT NOT NULL,
    environment TEXT,
    phases TEXT NOT NULL,
    phase TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    completed_at TEXT,
    heartbeat_at TEXT,
    waiting_until TEXT,
    error_message TEXT,
    PRIMARY KEY (id)
);

-- name: executions_by_start
-- A window of runs.
CREATE INDEX idx_started ON adw_executions (started_at);

-- name: attempts
-- Their tries at phases.
CREATE TABLE adw_phase_attempts (
    execution_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    place BIGINT,
    attempt BIGINT NOT NULL,
    status TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    duration_seconds DOUBLE PRECISION,
    PRIMARY KEY (execution_id, phase, attempt)
);

-- name: checkpoints
-- Their newest checkpoints.
CREATE TABLE adw_checkpoints (
    execution_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    checkpoint_name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (execution_id, seq)
);

-- name: add_execution
-- One run.
INSERT INTO adw_executions (
    id, issue_id, issue_title, issue_type, workflow, environment, phases, phase, status, started_at,
    updated_at, completed_at, error_message
)
VALUES (
    :run_id,
    coalesce(:issue_id, 'unknown'),
    :issue_title,
    :issue_type,
    :workflow,
    :environment,
    :phases,
    :phase,
    :status,
    :started_at,
    coalesce(:updated_at, :started_at),
    :completed_at,
    :error_message
);

-- name: add_attempt
-- One try of it.
INSERT INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds
)
VALUES (:run_id, :phase, :place, :attempt, :status, :started_at, :finished_at, :duration_seconds);

-- name: add_checkpoint
-- Its newest checkpoint.
INSERT INTO adw_checkpoints (execution_id, seq, checkpoint_name, created_at)
VALUES (:run_id, 1, :checkpoint_name, :checkpoint_at);
