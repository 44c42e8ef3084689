-- Attempts: one row per try at a phase; `add` and `archive` are for those that come from elsewhere.

-- name: start
-- Begin the next attempt at a phase; its number follows the newest one of that phase.
-- No row comes back when the execution is not there, is over, has another owner, or has an attempt that
-- is still open.
INSERT INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, agent, model, prompt_sha256, workflow_sha256
)
SELECT
    e.id,
    :phase,
    :place,
    coalesce(
        (
            SELECT max(a.attempt) FROM adw_phase_attempts AS a
            WHERE a.execution_id = e.id AND a.phase = :phase
        ),
        0
    ) + 1,
    'in_progress',
    :now,
    :agent,
    :model,
    :prompt_sha256,
    :workflow_sha256
FROM adw_executions AS e
WHERE
    e.id = :execution_id
    AND e.status IN ('pending', 'in_progress')
    AND (cast(:fence AS BIGINT) IS NULL OR e.fence = :fence)
    AND NOT EXISTS (
        SELECT 1 FROM adw_phase_attempts AS o
        WHERE o.execution_id = e.id AND o.status = 'in_progress'
    )
RETURNING *;

-- name: finish
-- End an attempt that is still open. No row comes back when it is over already, or the run has
-- another owner.
UPDATE adw_phase_attempts
SET
    status = :status,
    finished_at = :now,
    duration_seconds = :duration_seconds,
    error_class = :error_class,
    error_message = :error_message,
    exit_code = :exit_code,
    model = coalesce(:model, model),
    session_id = coalesce(:session_id, session_id),
    input_tokens = :input_tokens,
    cache_read_tokens = :cache_read_tokens,
    cache_write_tokens = :cache_write_tokens,
    output_tokens = :output_tokens,
    reasoning_tokens = :reasoning_tokens,
    cost_usd = :cost_usd,
    cost_kind = :cost_kind
WHERE
    execution_id = :execution_id
    AND phase = :phase
    AND attempt = :attempt
    AND status = 'in_progress'
    AND (
        cast(:fence AS BIGINT) IS NULL
        OR EXISTS (
            SELECT 1 FROM adw_executions AS e
            WHERE e.id = :execution_id AND e.fence = :fence
        )
    )
RETURNING *;

-- name: note_use
-- What the agent of an attempt has used, as far as that is known before the attempt has ended, or after its
-- process has died. No row comes back when the attempt has ended otherwise, or the run has another owner.
UPDATE adw_phase_attempts
SET
    model = coalesce(:model, model),
    session_id = coalesce(:session_id, session_id),
    input_tokens = coalesce(:input_tokens, input_tokens),
    cache_read_tokens = coalesce(:cache_read_tokens, cache_read_tokens),
    cache_write_tokens = coalesce(:cache_write_tokens, cache_write_tokens),
    output_tokens = coalesce(:output_tokens, output_tokens),
    reasoning_tokens = coalesce(:reasoning_tokens, reasoning_tokens),
    cost_usd = coalesce(:cost_usd, cost_usd),
    cost_kind = coalesce(:cost_kind, cost_kind)
WHERE
    execution_id = :execution_id
    AND phase = :phase
    AND attempt = :attempt
    AND status IN ('in_progress', 'interrupted')
    AND (
        cast(:fence AS BIGINT) IS NULL
        OR EXISTS (
            SELECT 1 FROM adw_executions AS e
            WHERE e.id = :execution_id AND e.fence = :fence
        )
    )
RETURNING *;

-- name: interrupt_open
-- Close what a former owner left open, or what was open when the execution ended.
UPDATE adw_phase_attempts
SET
    status = 'interrupted',
    finished_at = :now,
    error_message = :error_message
WHERE execution_id = :execution_id AND status = 'in_progress';

-- name: get
-- One attempt.
SELECT * FROM adw_phase_attempts
WHERE execution_id = :execution_id AND phase = :phase AND attempt = :attempt;

-- name: open
-- The attempt of an execution that is still open.
SELECT * FROM adw_phase_attempts
WHERE execution_id = :execution_id AND status = 'in_progress'
ORDER BY started_at, place, attempt;

-- name: list
-- The attempts of an execution in the order in which they began.
SELECT * FROM adw_phase_attempts
WHERE execution_id = :execution_id
ORDER BY started_at, place, attempt;

-- name: add
-- An attempt comes in; one that is open here and over there is brought to its end.
INSERT INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds, error_class,
    error_message, exit_code, agent, model, session_id, prompt_sha256, workflow_sha256, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, cost_kind
)
VALUES (
    :execution_id, :phase, :place, :attempt, :status, :started_at, :finished_at, :duration_seconds,
    :error_class, :error_message, :exit_code, :agent, :model, :session_id, :prompt_sha256,
    :workflow_sha256, :input_tokens, :cache_read_tokens, :cache_write_tokens, :output_tokens,
    :reasoning_tokens, :cost_usd, :cost_kind
)
ON CONFLICT (execution_id, phase, attempt) DO UPDATE SET
    status = excluded.status,
    finished_at = excluded.finished_at,
    duration_seconds = excluded.duration_seconds,
    error_class = excluded.error_class,
    error_message = excluded.error_message,
    exit_code = excluded.exit_code,
    agent = excluded.agent,
    model = excluded.model,
    session_id = excluded.session_id,
    prompt_sha256 = excluded.prompt_sha256,
    workflow_sha256 = excluded.workflow_sha256,
    input_tokens = excluded.input_tokens,
    cache_read_tokens = excluded.cache_read_tokens,
    cache_write_tokens = excluded.cache_write_tokens,
    output_tokens = excluded.output_tokens,
    reasoning_tokens = excluded.reasoning_tokens,
    cost_usd = excluded.cost_usd,
    cost_kind = excluded.cost_kind
WHERE adw_phase_attempts.status = 'in_progress' AND excluded.status <> 'in_progress';

-- name: archive
-- An attempt comes into the archive.
INSERT INTO adw_phase_attempts_archive (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds, error_class,
    error_message, exit_code, agent, model, session_id, prompt_sha256, workflow_sha256, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, cost_kind,
    archived_at, archive_reason
)
VALUES (
    :execution_id, :phase, :place, :attempt, :status, :started_at, :finished_at, :duration_seconds,
    :error_class, :error_message, :exit_code, :agent, :model, :session_id, :prompt_sha256,
    :workflow_sha256, :input_tokens, :cache_read_tokens, :cache_write_tokens, :output_tokens,
    :reasoning_tokens, :cost_usd, :cost_kind, :archived_at, :archive_reason
);
