-- Reports: what happened to the executions that were started within a window.
--
-- The cohort of every text but the stale ones: started_at >= :since, and the environment where one is
-- given. The same texts answer for the database and for runs read from logs, whose tables look alike but
-- may hold what no log line told: a status that is none of ours counts as 'unknown'. Texts are cast because
-- somebody may have stored a blob in their place. CROSS JOIN because SQLite takes its tables in the order
-- written: window first.

-- name: success_by_issue_type
-- How executions ended, by the type of their issue.
SELECT
    coalesce(cast(e.issue_type AS TEXT), 'unknown') AS issue_type,
    count(*) FILTER (WHERE e.status = 'completed') AS completed,
    count(*) FILTER (WHERE e.status = 'failed') AS failed,
    count(*) FILTER (WHERE e.status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE e.status = 'in_progress') AS in_progress,
    count(*) FILTER (WHERE e.status = 'waiting') AS waiting,
    count(*) FILTER (WHERE e.status = 'pending') AS pending,
    count(*) FILTER (
        WHERE e.status NOT IN ('completed', 'failed', 'cancelled', 'in_progress', 'waiting', 'pending')
    ) AS unknown
FROM adw_executions AS e
WHERE
    e.started_at >= :since
    AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment)
GROUP BY coalesce(cast(e.issue_type AS TEXT), 'unknown')
ORDER BY issue_type;

-- name: phase_funnel
-- How far executions got, by their workflow and its list of phases: how many are completed; else what phase
-- their own row is in, once they have begun, and the deepest trace of their attempts, which is 2n - 1 for
-- an attempt at the n-th phase and 2n for a completed one.
SELECT
    d.workflow,
    d.phases,
    d.is_completed,
    d.entered,
    d.tried,
    count(*) AS executions
FROM (
    SELECT
        cast(e.workflow AS TEXT) AS workflow,
        cast(e.phases AS TEXT) AS phases,
        CASE WHEN e.status = 'completed' THEN 1 ELSE 0 END AS is_completed,
        CASE WHEN e.status <> 'pending' THEN cast(e.phase AS TEXT) END AS entered,
        coalesce(
            (
                SELECT max(2 * a.place - CASE WHEN a.status = 'completed' THEN 0 ELSE 1 END)
                FROM adw_phase_attempts AS a
                WHERE a.execution_id = e.id
            ),
            0
        ) AS tried
    FROM adw_executions AS e
    WHERE
        e.started_at >= :since
        AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment)
) AS d
GROUP BY d.workflow, d.phases, d.is_completed, d.entered, d.tried
ORDER BY d.workflow, d.phases, d.is_completed, d.entered, d.tried;

-- name: failed_executions
-- The executions that ended as failed, newest first; messages are cut at 2,000 characters.
-- The status is made an expression, so that the window is looked up and not every failure there ever was.
SELECT
    e.id AS execution_id,
    e.issue_id,
    cast(e.phases AS TEXT) AS phases,
    cast(e.phase AS TEXT) AS phase,
    substr(cast(e.error_message AS TEXT), 1, 2000) AS error_message
FROM adw_executions AS e
WHERE
    e.started_at >= :since
    AND e.status || '' = 'failed'
    AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment)
ORDER BY e.started_at DESC, e.id DESC;

-- name: attempts_by_phase
-- How often each phase was tried and how the tries ended, in the order of the places that phases have.
-- Attempts are numbered from 1, so there are as many executions as first attempts.
SELECT
    cast(a.phase AS TEXT) AS phase,
    count(*) AS attempts,
    count(*) FILTER (WHERE a.attempt = 1) AS executions,
    count(*) FILTER (WHERE a.status = 'completed') AS completed,
    count(*) FILTER (WHERE a.status = 'failed') AS failed,
    count(*) FILTER (WHERE a.status = 'interrupted') AS interrupted,
    count(*) FILTER (WHERE a.status = 'in_progress') AS in_progress,
    count(*) FILTER (
        WHERE a.status NOT IN ('completed', 'failed', 'interrupted', 'in_progress')
    ) AS unknown
FROM adw_executions AS e
CROSS JOIN adw_phase_attempts AS a
WHERE
    a.execution_id = e.id
    AND e.started_at >= :since
    AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment)
GROUP BY cast(a.phase AS TEXT)
ORDER BY min(a.place) NULLS LAST, cast(a.phase AS TEXT);

-- name: completed_durations
-- How long each completed attempt took, where that is known; `attempts_by_phase` makes median and p95 of it,
-- because SQLite's window functions take three times as long to rank them as it takes to fetch them all.
SELECT
    cast(a.phase AS TEXT) AS phase,
    a.duration_seconds
FROM adw_executions AS e
CROSS JOIN adw_phase_attempts AS a
WHERE
    a.execution_id = e.id
    AND a.status = 'completed'
    AND a.duration_seconds IS NOT NULL
    AND e.started_at >= :since
    AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment);

-- name: recent_executions
-- The newest executions, newest first.
SELECT
    e.id AS execution_id,
    e.issue_id,
    cast(e.issue_title AS TEXT) AS issue_title,
    cast(e.issue_type AS TEXT) AS issue_type,
    cast(e.workflow AS TEXT) AS workflow,
    e.status,
    cast(e.phase AS TEXT) AS phase,
    e.started_at,
    e.completed_at,
    CASE WHEN e.status = 'failed' THEN substr(cast(e.error_message AS TEXT), 1, 2000) END AS error,
    (
        SELECT count(*) FROM adw_phase_attempts AS a
        WHERE a.execution_id = e.id
    ) AS attempts
FROM adw_executions AS e
WHERE
    e.started_at >= :since
    AND (cast(:environment AS TEXT) IS NULL OR e.environment = :environment)
ORDER BY e.started_at DESC, e.id DESC
LIMIT :most;

-- name: stale_checkpoints
-- Unfinished executions that have been silent since before :silent_since, whenever they were started, with
-- their newest checkpoint if they have one; last seen first. What is silent has not been updated either.
-- Each row says how many there are, and how many without a checkpoint.
SELECT
    s.execution_id,
    s.issue_id,
    cast(s.issue_title AS TEXT) AS issue_title,
    cast(s.issue_type AS TEXT) AS issue_type,
    cast(s.phase AS TEXT) AS phase,
    cast(s.checkpoint_name AS TEXT) AS checkpoint_name,
    s.checkpoint_at,
    s.last_sign_of_life_at,
    count(*) OVER () AS executions,
    count(*) FILTER (WHERE s.checkpoint_name IS NULL) OVER () AS without_checkpoint
FROM adw_signs_of_life AS s
WHERE
    s.updated_at < :silent_since
    AND s.silent_since < :silent_since
    AND (cast(:environment AS TEXT) IS NULL OR s.environment = :environment)
ORDER BY s.last_sign_of_life_at DESC, s.execution_id DESC
LIMIT :most;

-- name: archived_in_window
-- How many executions of the window are in the archive only, and so in no other answer.
SELECT count(DISTINCT r.id) AS executions
FROM adw_executions_archive AS r
WHERE
    r.started_at >= :since
    AND (cast(:environment AS TEXT) IS NULL OR r.environment = :environment)
    AND NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
        WHERE e.id = r.id
    );
