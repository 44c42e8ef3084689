-- Retention: finished executions leave the live tables and live on in the archives. The triggers copy
-- every row before it goes and take reason and time from the request.

-- name: request_retention
-- Ask for the executions that ended in this way before :ended_before, oldest first.
INSERT INTO adw_archive_requests (execution_id, archived_at, archive_reason)
SELECT
    e.id,
    :now,
    'retention'
FROM adw_executions AS e
WHERE
    e.status = :status
    AND e.completed_at < :ended_before
ORDER BY e.completed_at, e.id
LIMIT :most;

-- name: delete_requested
-- Take the requested executions, and with them their attempts and checkpoints, out of the live tables.
DELETE FROM adw_executions
WHERE id IN (SELECT r.execution_id FROM adw_archive_requests AS r);

-- name: forget_requests
-- The requests are served.
DELETE FROM adw_archive_requests;

-- name: archived
-- When and why an execution was archived last.
SELECT
    a.issue_id,
    a.archived_at,
    a.archive_reason
FROM adw_executions_archive AS a
WHERE a.id = :id
ORDER BY a.archived_at DESC NULLS LAST, a.updated_at DESC NULLS LAST, a.archive_reason ASC
LIMIT 1;
