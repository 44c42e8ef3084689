-- What the doctor asks about the rows. Everything is read, nothing written.

-- name: from_the_future
-- How many executions changed, or are said to, after :latest, and when the latest of them did.
SELECT
    count(*) AS executions,
    max(
        CASE
            WHEN e.heartbeat_at > e.updated_at THEN e.heartbeat_at
            ELSE e.updated_at
        END
    ) AS newest
FROM adw_executions AS e
WHERE
    e.started_at > :latest
    OR e.updated_at > :latest
    OR e.heartbeat_at > :latest;

-- name: spoiled_archives
-- How many archived rows cannot have been written by our triggers or by reconciliation.
SELECT
    'adw_executions_archive' AS archive,
    count(*) AS spoiled
FROM adw_executions_archive AS a
WHERE
    a.id IS NULL
    OR a.issue_id IS NULL
    OR a.archive_reason IS NULL
    OR coalesce(a.started_at, '') NOT LIKE '____-__-__T__:__:__.______Z'
    OR coalesce(a.updated_at, '') NOT LIKE '____-__-__T__:__:__.______Z'
UNION ALL
SELECT
    'adw_phase_attempts_archive' AS archive,
    count(*) AS spoiled
FROM adw_phase_attempts_archive AS p
WHERE
    p.execution_id IS NULL
    OR p.phase IS NULL
    OR p.attempt IS NULL
UNION ALL
SELECT
    'adw_checkpoints_archive' AS archive,
    count(*) AS spoiled
FROM adw_checkpoints_archive AS c
WHERE
    c.execution_id IS NULL
    OR c.op_id IS NULL
    OR c.seq IS NULL
ORDER BY archive;

-- name: owned
-- The unfinished executions that somebody owns, oldest first.
SELECT
    e.id,
    e.owner,
    e.claimed
FROM adw_executions AS e
WHERE
    e.status IN ('pending', 'in_progress')
    AND e.owner IS NOT NULL
ORDER BY e.started_at, e.id;
