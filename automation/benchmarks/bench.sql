-- Made-up rows for scratch databases, and joins that only a benchmark and a person may ask.

-- name: add_execution
-- One execution of a made-up history.
INSERT INTO adw_executions (
    id, issue_id, issue_title, issue_type, issue_priority, workflow, environment, phases, phase, status,
    started_at, updated_at, completed_at, error_message
)
VALUES (
    :id, :issue_id, :issue_title, :issue_type, :issue_priority, :workflow, 'local', :phases, :phase, :status,
    :started_at, coalesce(:completed_at, :started_at), :completed_at, :error_message
);

-- name: add_attempt
-- Its attempt at one phase.
INSERT INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds
)
VALUES (:execution_id, :phase, :place, 1, :status, :started_at, :finished_at, :duration_seconds);

-- name: add_checkpoint
-- One of its checkpoints.
INSERT INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
VALUES (
    :op_id, :execution_id, :seq, :phase, 1, :checkpoint_name, :checkpoint_data, :created_at
);

-- name: how_many
-- The executions in the live tables.
SELECT count(*) AS executions
FROM adw_executions;

-- name: some_execution
-- An execution in the middle of the history, for looking one up.
SELECT
    e.id,
    e.issue_id
FROM adw_executions AS e
ORDER BY e.started_at, e.id
LIMIT 1 OFFSET (SELECT count(*) / 2 FROM adw_executions);

-- name: executions_with_their_issues
-- The newest executions with the present title and status of their issues: a live join, only where our
-- tables lie in the tracker's file.
SELECT
    e.id,
    e.status AS execution_status,
    i.id AS issue_id,
    i.title,
    i.status AS issue_status
FROM adw_executions AS e
INNER JOIN issues AS i ON e.issue_id = i.id
ORDER BY e.started_at DESC, e.id DESC
LIMIT 100;

-- name: success_by_issue_status
-- How the runs of a window ended, by what became of their issues: the other live join.
SELECT
    i.status AS issue_status,
    count(*) AS executions,
    count(*) FILTER (WHERE e.status = 'completed') AS completed
FROM adw_executions AS e
INNER JOIN issues AS i ON e.issue_id = i.id
WHERE e.started_at >= :since
GROUP BY i.status
ORDER BY i.status;

-- name: view_recent_failures
-- The view as a person with a shell asks it.
SELECT
    execution_id,
    issue_id,
    issue_title,
    issue_type,
    phase,
    error_message,
    failed_at,
    age_hours
FROM recent_failures;

-- name: view_success_rate_by_type
-- The view as a person with a shell asks it.
SELECT
    issue_type,
    total,
    completed,
    failed,
    cancelled,
    unfinished,
    success_rate_percent,
    finished_success_rate_percent
FROM success_rate_by_type;

-- name: view_stale_checkpoints
-- The view as a person with a shell asks it.
SELECT
    execution_id,
    issue_id,
    issue_title,
    issue_type,
    phase,
    checkpoint_name,
    seq,
    checkpoint_at,
    last_sign_of_life_at,
    error_message,
    age_hours
FROM stale_checkpoints;

-- name: raw_create
-- What a program without this package would write for an execution.
INSERT INTO adw_executions (
    id, issue_id, issue_title, issue_type, issue_priority, workflow, environment, phases, phase, status,
    started_at, updated_at
)
VALUES (
    :id, :issue_id, 'Issue number 1', 'bug', 1, 'adw_sdlc', 'local', '["plan","build","review"]', 'plan',
    'pending', :now, :now
);

-- name: raw_update
-- … for its progress.
UPDATE adw_executions
SET
    status = 'in_progress',
    phase = :phase,
    updated_at = :now
WHERE id = :id;

-- name: raw_end
-- … for its end.
UPDATE adw_executions
SET
    status = 'completed',
    updated_at = :now,
    completed_at = :now
WHERE id = :id;

-- name: raw_save
-- … for a checkpoint.
INSERT INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
VALUES (:op_id, :execution_id, :seq, 'plan', 1, 'step', :data, :now);

-- name: raw_load
-- … and to read it back.
SELECT
    op_id,
    execution_id,
    seq,
    phase,
    attempt,
    checkpoint_name,
    checkpoint_data,
    created_at
FROM adw_checkpoints
WHERE execution_id = :execution_id
ORDER BY seq DESC
LIMIT 1;
