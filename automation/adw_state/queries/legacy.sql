-- Upgrading a database that an earlier implementation of this idea made. SQLite's alone: it never had
-- another home. Its rows are set aside in temporary tables while its tables make room for ours.

-- name: columns
-- The columns of a table or view; none where there is no such thing.
SELECT lower(c.name) AS name FROM pragma_table_info(:name) AS c
ORDER BY c.cid;

-- name: recorded
-- What the earlier implementation noted of its own migrations.
SELECT * FROM schema_version -- noqa: AM04
ORDER BY version;

-- name: count_executions
-- How many executions there are.
SELECT count(*) AS found FROM adw_executions;

-- name: count_checkpoints
-- How many checkpoints there are.
SELECT count(*) AS found FROM adw_checkpoints;

-- name: keep_executions
-- Set the executions aside, with whatever columns they have, in the order in which they were written.
CREATE TEMP TABLE old_executions AS
SELECT * FROM adw_executions; -- noqa: AM04

-- name: keep_checkpoints
-- The same for the checkpoints.
CREATE TEMP TABLE old_checkpoints AS
SELECT * FROM adw_checkpoints; -- noqa: AM04

-- name: no_executions
-- There are none to set aside.
CREATE TEMP TABLE old_executions (id TEXT);

-- name: no_checkpoints
-- There are none to set aside.
CREATE TEMP TABLE old_checkpoints (execution_id TEXT);

-- name: index_kept_executions
-- They are looked up by id.
CREATE INDEX old_executions_id ON old_executions (id);

-- name: index_kept_checkpoints
-- They are looked up by execution.
CREATE INDEX old_checkpoints_execution ON old_checkpoints (execution_id);

-- name: kept_executions
-- The executions that were set aside.
SELECT * FROM old_executions -- noqa: AM04
ORDER BY rowid;

-- name: kept_checkpoints
-- The checkpoints of one of them.
SELECT * FROM old_checkpoints -- noqa: AM04
WHERE execution_id = :execution_id
ORDER BY rowid;

-- name: kept_checkpoints_of_none
-- The checkpoints whose execution is not there.
SELECT * FROM old_checkpoints AS c -- noqa: AM04
WHERE
    NOT EXISTS (
        SELECT 1 FROM old_executions AS e
        WHERE e.id = c.execution_id
    )
ORDER BY c.execution_id, c.rowid; -- noqa: RF03

-- name: issue
-- What the tracker says of an issue now.
SELECT
    i.title AS issue_title,
    i.issue_type,
    i.priority AS issue_priority
FROM issues AS i
WHERE i.id = :issue_id;

-- name: add_execution
-- An execution comes over; its rules are those of the table.
INSERT INTO adw_executions (
    id, issue_id, issue_title, issue_type, issue_priority, workflow, environment, phases, phase, status,
    started_at, updated_at, completed_at, error_message, worktree_name, worktree_path, branch_name,
    plan_file, pr_created, pr_url, extra_data
)
VALUES (
    :id, :issue_id, :issue_title, :issue_type, :issue_priority, :workflow, :environment, :phases, :phase,
    :status, :started_at, :updated_at, :completed_at, :error_message, :worktree_name, :worktree_path,
    :branch_name, :plan_file, :pr_created, :pr_url, :extra_data
);

-- name: archive_execution
-- An execution comes over into the archive, which takes whatever it holds.
INSERT INTO adw_executions_archive (
    id, issue_id, issue_title, issue_type, issue_priority, workflow, environment, phases, phase, status,
    started_at, updated_at, completed_at, fence, claimed, error_message, worktree_name, worktree_path,
    branch_name, plan_file, pr_created, pr_url, extra_data, archived_at, archive_reason
)
VALUES (
    :id, :issue_id, :issue_title, :issue_type, :issue_priority, :workflow, :environment, :phases, :phase,
    :status, :started_at, :updated_at, :completed_at, 0, 0, :error_message, :worktree_name, :worktree_path,
    :branch_name, :plan_file, :pr_created, :pr_url, :extra_data, :archived_at, :archive_reason
);

-- name: add_attempt
-- An attempt that is known from what the execution left.
INSERT INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds, error_message
)
VALUES (
    :execution_id, :phase, :place, 1, :status, :started_at, :finished_at, :duration_seconds, :error_message
);

-- name: archive_attempt
-- The same, of an execution that is archived.
INSERT INTO adw_phase_attempts_archive (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds, error_message,
    archived_at, archive_reason
)
VALUES (
    :execution_id, :phase, :place, 1, :status, :started_at, :finished_at, :duration_seconds, :error_message,
    :archived_at, :archive_reason
);

-- name: add_checkpoint
-- A checkpoint comes over.
INSERT INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
VALUES (
    :op_id, :execution_id, :seq, :phase, 1, :checkpoint_name, :checkpoint_data, :created_at
);

-- name: archive_checkpoint
-- A checkpoint comes over into the archive.
INSERT INTO adw_checkpoints_archive (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at,
    archived_at, archive_reason
)
VALUES (
    :op_id, :execution_id, :seq, :phase, 1, :checkpoint_name, :checkpoint_data, :created_at,
    :archived_at, :archive_reason
);

-- name: rows_now
-- How many rows there are in the new tables and their archives.
SELECT
    (SELECT count(*) FROM adw_executions) AS executions,
    (SELECT count(*) FROM adw_executions_archive) AS executions_archived,
    (SELECT count(*) FROM adw_checkpoints) AS checkpoints,
    (SELECT count(*) FROM adw_checkpoints_archive) AS checkpoints_archived,
    (SELECT count(*) FROM adw_phase_attempts) AS attempts,
    (SELECT count(*) FROM adw_phase_attempts_archive) AS attempts_archived,
    (SELECT count(*) FROM old_executions) AS old_executions,
    (SELECT count(*) FROM old_checkpoints) AS old_checkpoints;

-- name: dangling
-- The tables of ours with rows that refer to nothing.
SELECT DISTINCT f."table" AS name FROM pragma_foreign_key_check AS f
WHERE f."table" LIKE 'adw\_%' ESCAPE '\'
ORDER BY f."table";

-- name: note_upgrade
-- The upgrade is written down among what was healed.
INSERT INTO adw_healings (seq, healed_at, kind, old_issue_id, new_issue_id, executions, detail)
VALUES (
    (SELECT coalesce(max(h.seq), 0) + 1 FROM adw_healings AS h),
    :now, 'upgraded', NULL, NULL, :executions, :detail
);
