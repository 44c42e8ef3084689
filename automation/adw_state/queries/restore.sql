-- Restore: runs from an old file, an archive or a JSON state come into a database.
--
-- The `old_…` statements read an old file, which may hold our tables in any state; the others look at
-- and write the database that the runs come into. They are SQLite's alone, as the files are.

-- name: newest_live
-- When an execution was changed last.
SELECT max(e.updated_at) AS newest FROM adw_executions AS e;

-- name: newest_archived
-- The same among archived ones.
SELECT max(a.updated_at) AS newest FROM adw_executions_archive AS a;

-- name: old_executions
-- Every execution.
SELECT * FROM adw_executions
ORDER BY id;

-- name: old_execution_lives
-- Whether an execution with this id is in the live table.
SELECT 1 AS found FROM adw_executions AS e
WHERE e.id = :id;

-- name: old_archived_executions
-- Every archived execution; of several copies the newest first.
SELECT * FROM adw_executions_archive
ORDER BY id, updated_at DESC NULLS LAST, archived_at DESC NULLS LAST;

-- name: old_attempts
-- The attempts of an execution.
SELECT * FROM adw_phase_attempts
WHERE execution_id = :execution_id
ORDER BY phase, attempt;

-- name: old_archived_attempts
-- Its archived attempts; of several copies the newest first.
SELECT * FROM adw_phase_attempts_archive
WHERE execution_id = :execution_id
ORDER BY phase, attempt, archived_at DESC NULLS LAST;

-- name: old_checkpoints
-- The checkpoints of an execution.
SELECT * FROM adw_checkpoints
WHERE execution_id = :execution_id
ORDER BY seq, op_id;

-- name: old_archived_checkpoints
-- Its archived checkpoints; of several copies the newest first.
SELECT * FROM adw_checkpoints_archive
WHERE execution_id = :execution_id
ORDER BY seq, op_id, archived_at DESC NULLS LAST;

-- name: old_orphaned_attempts
-- Archived attempts of which not even the execution is known.
SELECT s.* FROM adw_phase_attempts_archive AS s
WHERE
    NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
        WHERE e.id = s.execution_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        WHERE a.id = s.execution_id
    )
ORDER BY s.execution_id, s.phase, s.attempt, s.archived_at;

-- name: old_orphaned_checkpoints
-- Archived checkpoints of which not even the execution is known.
SELECT s.* FROM adw_checkpoints_archive AS s
WHERE
    NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
        WHERE e.id = s.execution_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        WHERE a.id = s.execution_id
    )
ORDER BY s.execution_id, s.op_id, s.archived_at;

-- name: deleted_by_hand
-- Executions that were deleted from a sidecar, where no tracker takes rows away.
SELECT DISTINCT a.id FROM adw_executions_archive AS a
WHERE
    a.archive_reason = 'deleted'
    AND NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
        WHERE e.id = a.id
    )
ORDER BY a.id;

-- name: archived_execution_rows
-- The archived copies of one execution, newest first.
SELECT * FROM adw_executions_archive
WHERE id = :id
ORDER BY updated_at DESC NULLS LAST, archived_at DESC NULLS LAST;

-- name: living
-- How far the execution with this id is here.
SELECT
    e.started_at,
    e.updated_at,
    e.completed_at,
    e.fence
FROM adw_executions AS e
WHERE e.id = :id;

-- name: archived
-- The same for its newest copy in the archive.
SELECT
    a.started_at,
    a.updated_at,
    a.completed_at,
    a.fence
FROM adw_executions_archive AS a
WHERE a.id = :id
ORDER BY a.fence DESC NULLS LAST, a.updated_at DESC NULLS LAST
LIMIT 1;

-- name: issue
-- Whether the tracker has this issue, and whether it is another one than the run remembers: made after
-- the run began, and called otherwise. The tracker's times come in many shapes; NULL is no evidence.
SELECT
    CASE
        WHEN i.title <> :issue_title AND julianday(i.created_at) > julianday(:started_at) THEN 1
        ELSE 0
    END AS is_another
FROM issues AS i
WHERE i.id = :issue_id;

-- name: saved_checkpoints
-- What an execution has saved here.
SELECT
    c.op_id,
    c.seq,
    c.phase,
    c.attempt,
    c.checkpoint_name
FROM adw_checkpoints AS c
WHERE c.execution_id = :execution_id
ORDER BY c.seq;

-- name: attempt_is_archived
-- Whether this copy of an attempt is in the archive.
SELECT 1 AS found FROM adw_phase_attempts_archive AS a
WHERE
    a.execution_id IS :execution_id
    AND a.phase IS :phase
    AND a.attempt IS :attempt
    AND a.archived_at IS :archived_at;

-- name: checkpoint_is_archived
-- Whether this copy of a checkpoint is in the archive.
SELECT 1 AS found FROM adw_checkpoints_archive AS a
WHERE
    a.execution_id IS :execution_id
    AND a.op_id IS :op_id
    AND a.archived_at IS :archived_at;

-- name: forget_archived_execution
-- The archive gives up an execution that lives again, or of which a later copy comes in.
DELETE FROM adw_executions_archive
WHERE id = :id;

-- name: forget_archived_attempts
-- And its attempts.
DELETE FROM adw_phase_attempts_archive
WHERE execution_id = :id;

-- name: forget_archived_checkpoints
-- And its checkpoints.
DELETE FROM adw_checkpoints_archive
WHERE execution_id = :id;

-- name: progress
-- How far every execution is, or was when it was archived; of one that stands here twice the last counts.
SELECT * FROM (
    SELECT
        e.id,
        e.started_at,
        e.updated_at,
        e.completed_at,
        e.fence,
        1 AS lives
    FROM adw_executions AS e
    UNION ALL
    SELECT
        a.id,
        a.started_at,
        a.updated_at,
        a.completed_at,
        a.fence,
        0 AS lives
    FROM adw_executions_archive AS a
) AS p
ORDER BY lives, fence, completed_at IS NOT NULL, updated_at;
