-- Nothing is lost by a DELETE: each row is copied into its archive before it goes.
--
-- These triggers fire for our own DELETE, for the cascade of the tracker's DELETE, and for the delete
-- half of its INSERT OR REPLACE. They run inside the tracker's own transactions, so they may name
-- nothing but our tables and may never fail. Reason and time come from adw_archive_requests where the
-- deletion is ours; where the tracker deletes, the reason is 'deleted' and the time the engine's.
-- Triggers are written once per engine; these are SQLite's.

-- migrate:up
CREATE TRIGGER adw_executions_archive_before_delete
BEFORE DELETE ON adw_executions
BEGIN
    INSERT INTO adw_executions_archive (
        id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at, completed_at,
        heartbeat_at, owner, fence, claimed, waiting_for, waiting_until, release_by, error_message,
        issue_title, issue_type, issue_priority, base_commit, worktree_name, worktree_path, branch_name,
        plan_file, pr_created, pr_url, extra_data,
        archived_at, archive_reason
    )
    VALUES (
        old.id, old.issue_id, old.workflow, old.environment, old.phases, old.phase, old.status,
        old.started_at, old.updated_at, old.completed_at, old.heartbeat_at, old.owner, old.fence,
        old.claimed, old.waiting_for, old.waiting_until, old.release_by, old.error_message,
        old.issue_title, old.issue_type, old.issue_priority, old.base_commit, old.worktree_name,
        old.worktree_path, old.branch_name, old.plan_file, old.pr_created, old.pr_url, old.extra_data,
        coalesce(
            (
                SELECT r.archived_at FROM adw_archive_requests AS r
                WHERE r.execution_id = old.id
            ),
            strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
        ),
        coalesce(
            (
                SELECT r.archive_reason FROM adw_archive_requests AS r
                WHERE r.execution_id = old.id
            ),
            'deleted'
        )
    );
END;

CREATE TRIGGER adw_phase_attempts_archive_before_delete
BEFORE DELETE ON adw_phase_attempts
BEGIN
    INSERT INTO adw_phase_attempts_archive (
        execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds,
        error_class, error_message, exit_code, agent, model, session_id, prompt_sha256, workflow_sha256,
        input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd,
        cost_kind,
        archived_at, archive_reason
    )
    VALUES (
        old.execution_id, old.phase, old.place, old.attempt, old.status, old.started_at, old.finished_at,
        old.duration_seconds, old.error_class, old.error_message, old.exit_code, old.agent, old.model,
        old.session_id, old.prompt_sha256, old.workflow_sha256, old.input_tokens, old.cache_read_tokens,
        old.cache_write_tokens, old.output_tokens, old.reasoning_tokens, old.cost_usd, old.cost_kind,
        coalesce(
            (
                SELECT r.archived_at FROM adw_archive_requests AS r
                WHERE r.execution_id = old.execution_id
            ),
            strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
        ),
        coalesce(
            (
                SELECT r.archive_reason FROM adw_archive_requests AS r
                WHERE r.execution_id = old.execution_id
            ),
            'deleted'
        )
    );
END;

CREATE TRIGGER adw_checkpoints_archive_before_delete
BEFORE DELETE ON adw_checkpoints
BEGIN
    INSERT INTO adw_checkpoints_archive (
        op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at,
        archived_at, archive_reason
    )
    VALUES (
        old.op_id, old.execution_id, old.seq, old.phase, old.attempt, old.checkpoint_name,
        old.checkpoint_data, old.created_at,
        coalesce(
            (
                SELECT r.archived_at FROM adw_archive_requests AS r
                WHERE r.execution_id = old.execution_id
            ),
            strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
        ),
        coalesce(
            (
                SELECT r.archive_reason FROM adw_archive_requests AS r
                WHERE r.execution_id = old.execution_id
            ),
            'deleted'
        )
    );
END;

-- migrate:down
DROP TRIGGER adw_checkpoints_archive_before_delete;
DROP TRIGGER adw_phase_attempts_archive_before_delete;
DROP TRIGGER adw_executions_archive_before_delete;
