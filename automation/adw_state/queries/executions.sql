-- Executions: begin, change, own, look up; and `add`, `renew`, `archive` for those that come from elsewhere.
--
-- The fence stands in the WHERE of every write of an owner, so a run that was replaced changes nothing
-- and learns it from how many rows there were; :fence is NULL for callers that do not own the run.

-- name: unknown_issue
-- What is known of an issue where issues lie elsewhere.
SELECT
    cast(NULL AS TEXT) AS title,
    cast(NULL AS TEXT) AS issue_type,
    cast(NULL AS BIGINT) AS priority;

-- name: create
-- Begin an execution. `issue` is what the home of the database says of the issue, as a common table
-- expression of one row. No row is made without it, where the id is taken, or another run holds the issue.
INSERT INTO adw_executions (
    id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at, heartbeat_at,
    owner, fence, claimed, issue_title, issue_type, issue_priority, base_commit, worktree_name,
    worktree_path, branch_name, extra_data
)
SELECT
    :id,
    :issue_id,
    :workflow,
    :environment,
    :phases,
    :phase,
    :status,
    :now,
    :now,
    CASE WHEN cast(:owner AS TEXT) IS NOT NULL THEN :now END,
    :owner,
    :fence,
    :claimed,
    coalesce(:issue_title, i.title),
    coalesce(:issue_type, i.issue_type),
    coalesce(:issue_priority, i.priority),
    :base_commit,
    :worktree_name,
    :worktree_path,
    :branch_name,
    :extra_data
FROM issue AS i
WHERE 1 = 1
ON CONFLICT DO NOTHING
RETURNING *;

-- name: change_status
-- Move an execution to another status; fields that are NULL here stay as they are.
-- The statuses that may become :status stand in the WHERE: an illegal move changes no row, and neither
-- does a phase that the list of phases does not hold (:listed is a pattern for it). An execution that waits
-- has no process, so it has no owner; whatever else it becomes, it waits no longer.
UPDATE adw_executions
SET
    status = :status,
    phase = coalesce(:phase, phase),
    updated_at = :now,
    completed_at = CASE
        WHEN :status IN ('pending', 'in_progress', 'waiting') THEN NULL
        WHEN status = :status THEN completed_at
        ELSE :now
    END,
    owner = CASE WHEN :status = 'waiting' THEN NULL ELSE owner END,
    claimed = CASE WHEN :status IN ('pending', 'in_progress', 'waiting') THEN claimed ELSE 0 END,
    waiting_for = :waiting_for,
    waiting_until = :waiting_until,
    release_by = :release_by,
    error_message = coalesce(:error_message, error_message),
    base_commit = coalesce(:base_commit, base_commit),
    worktree_name = coalesce(:worktree_name, worktree_name),
    worktree_path = coalesce(:worktree_path, worktree_path),
    branch_name = coalesce(:branch_name, branch_name),
    plan_file = coalesce(:plan_file, plan_file),
    pr_created = coalesce(:pr_created, pr_created),
    pr_url = coalesce(:pr_url, pr_url),
    extra_data = coalesce(:extra_data, extra_data)
WHERE
    id = :id
    AND (cast(:fence AS BIGINT) IS NULL OR fence = :fence)
    AND (
        status = :status
        OR status = 'pending'
        OR (status IN ('in_progress', 'waiting') AND :status <> 'pending')
    )
    AND (cast(:listed AS TEXT) IS NULL OR phases LIKE cast(:listed AS TEXT) ESCAPE '\')
RETURNING *;

-- name: enter_phase
-- An attempt has begun, so the execution is not over: it is at work in this phase.
UPDATE adw_executions
SET
    status = 'in_progress',
    phase = :phase,
    updated_at = :now
WHERE id = :execution_id;

-- name: take_over
-- A new owner goes on with an execution whose owner is dead, silent since :silent_since, or none, as that
-- of one that waits.
-- The fence rises, so whatever the former owner still tries changes nothing.
UPDATE adw_executions
SET
    status = 'in_progress',
    completed_at = NULL,
    error_message = NULL,
    updated_at = :now,
    heartbeat_at = :now,
    owner = :owner,
    fence = fence + 1,
    claimed = CASE WHEN status IN ('pending', 'in_progress', 'waiting') THEN claimed ELSE :claim END,
    waiting_for = NULL,
    waiting_until = NULL,
    release_by = NULL
WHERE
    id = :id
    AND status <> 'completed'
    AND (
        :force = 1
        OR owner IS NULL
        OR owner = :owner
        OR owner = :dead_owner
        OR status IN ('failed', 'cancelled', 'waiting')
        OR heartbeat_at IS NULL
        OR heartbeat_at < :silent_since
    );

-- name: beat
-- The owner lives.
UPDATE adw_executions
SET heartbeat_at = :now
WHERE id = :id AND fence = :fence AND status IN ('pending', 'in_progress')
RETURNING id;

-- name: release
-- The owner leaves an unfinished execution, which anybody may go on with at once.
UPDATE adw_executions
SET
    owner = NULL,
    updated_at = :now
WHERE id = :id AND fence = :fence AND status IN ('pending', 'in_progress')
RETURNING id;

-- name: get
-- One execution.
SELECT * FROM adw_executions
WHERE id = :id;

-- name: ids_beginning
-- The first ids that begin with a text: from it on, and before :behind, which no id reaches that does.
SELECT e.id FROM adw_executions AS e
WHERE e.id >= :beginning AND e.id < :behind
ORDER BY e.id
LIMIT :most;

-- name: claimant
-- Which execution holds this issue.
SELECT
    e.*,
    (
        SELECT count(*) FROM adw_phase_attempts AS a
        WHERE a.execution_id = e.id AND a.status = 'in_progress'
    ) AS open_attempts
FROM adw_executions AS e
WHERE e.issue_id = :issue_id AND e.claimed = 1;

-- name: with_open_attempt
-- Which unfinished executions are in the middle of an attempt.
SELECT a.execution_id
FROM adw_executions AS e
INNER JOIN adw_phase_attempts AS a ON e.id = a.execution_id
WHERE e.status IN ('pending', 'in_progress') AND a.status = 'in_progress';

-- name: list
-- Executions, newest first; each filter that is NULL lets everything through.
-- :before_started_at and :before_id continue after the last row of the page before.
SELECT * FROM adw_executions
WHERE
    (cast(:status AS TEXT) IS NULL OR status = :status)
    AND (cast(:phase AS TEXT) IS NULL OR phase = :phase)
    AND (cast(:environment AS TEXT) IS NULL OR environment = :environment)
    AND (cast(:started_after AS TEXT) IS NULL OR started_at >= :started_after)
    AND (
        cast(:before_started_at AS TEXT) IS NULL
        OR started_at < :before_started_at
        OR (started_at = :before_started_at AND id < :before_id)
    )
ORDER BY started_at DESC, id DESC
LIMIT :most;

-- name: list_of_issue
-- The same for one issue, found by its index.
SELECT * FROM adw_executions
WHERE
    issue_id = :issue_id
    AND (cast(:status AS TEXT) IS NULL OR status = :status)
    AND (cast(:phase AS TEXT) IS NULL OR phase = :phase)
    AND (cast(:environment AS TEXT) IS NULL OR environment = :environment)
    AND (cast(:started_after AS TEXT) IS NULL OR started_at >= :started_after)
    AND (
        cast(:before_started_at AS TEXT) IS NULL
        OR started_at < :before_started_at
        OR (started_at = :before_started_at AND id < :before_id)
    )
ORDER BY started_at DESC, id DESC
LIMIT :most;

-- name: count_by_status
-- How many executions there are in each status.
SELECT
    e.status,
    count(*) AS executions
FROM adw_executions AS e
GROUP BY e.status
ORDER BY e.status;

-- name: unfinished
-- What has not ended, newest first.
SELECT * FROM adw_executions
WHERE status IN ('pending', 'in_progress', 'waiting')
ORDER BY started_at DESC, id DESC
LIMIT :most;

-- name: failed_lately
-- What failed last, newest end first.
SELECT * FROM adw_executions
WHERE status = 'failed'
ORDER BY completed_at DESC, id DESC
LIMIT :most;

-- name: add
-- An execution comes in. It does not hold its issue if another one holds it by now.
INSERT INTO adw_executions (
    id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at, completed_at,
    heartbeat_at, owner, fence, claimed, waiting_for, waiting_until, release_by, error_message,
    issue_title, issue_type, issue_priority, base_commit, worktree_name, worktree_path, branch_name,
    plan_file, pr_created, pr_url, extra_data
)
VALUES (
    :id, :issue_id, :workflow, :environment, :phases, :phase, :status, :started_at, :updated_at,
    :completed_at, :heartbeat_at, :owner, :fence,
    CASE
        WHEN
            EXISTS (
                SELECT 1 FROM adw_executions AS o
                WHERE o.issue_id = :issue_id AND o.claimed = 1
            )
            THEN 0
        ELSE :claimed
    END,
    :waiting_for, :waiting_until, :release_by, :error_message, :issue_title, :issue_type, :issue_priority,
    :base_commit, :worktree_name, :worktree_path, :branch_name, :plan_file, :pr_created, :pr_url,
    :extra_data
);

-- name: renew
-- An execution is brought to a later state of itself. It stays with the issue that it has here.
UPDATE adw_executions
SET
    workflow = :workflow,
    environment = :environment,
    phases = :phases,
    phase = :phase,
    status = :status,
    updated_at = :updated_at,
    completed_at = :completed_at,
    heartbeat_at = :heartbeat_at,
    owner = :owner,
    fence = :fence,
    claimed = CASE
        WHEN
            EXISTS (
                SELECT 1 FROM adw_executions AS o
                WHERE o.issue_id = adw_executions.issue_id AND o.claimed = 1 AND o.id <> :id
            )
            THEN 0
        ELSE :claimed
    END,
    waiting_for = :waiting_for,
    waiting_until = :waiting_until,
    release_by = :release_by,
    error_message = :error_message,
    issue_title = :issue_title,
    issue_type = :issue_type,
    issue_priority = :issue_priority,
    base_commit = :base_commit,
    worktree_name = :worktree_name,
    worktree_path = :worktree_path,
    branch_name = :branch_name,
    plan_file = :plan_file,
    pr_created = :pr_created,
    pr_url = :pr_url,
    extra_data = :extra_data
WHERE id = :id;

-- name: archive
-- An execution comes into the archive.
INSERT INTO adw_executions_archive (
    id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at, completed_at,
    heartbeat_at, owner, fence, claimed, waiting_for, waiting_until, release_by, error_message,
    issue_title, issue_type, issue_priority, base_commit, worktree_name, worktree_path, branch_name,
    plan_file, pr_created, pr_url, extra_data, archived_at, archive_reason
)
VALUES (
    :id, :issue_id, :workflow, :environment, :phases, :phase, :status, :started_at, :updated_at,
    :completed_at, :heartbeat_at, :owner, :fence, :claimed, :waiting_for, :waiting_until, :release_by,
    :error_message, :issue_title, :issue_type, :issue_priority, :base_commit, :worktree_name,
    :worktree_path, :branch_name, :plan_file, :pr_created, :pr_url, :extra_data, :archived_at,
    :archive_reason
);
