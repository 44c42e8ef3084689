-- The tables of this program as they were before its first release, beside a tracker's issues.
CREATE TABLE schema_version (
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL CHECK (applied_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (version)
);
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES ('000', 'schema_version', 'sum-000', '2026-11-01T00:00:00.000000Z');
CREATE TABLE adw_executions (
    id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
    issue_id TEXT NOT NULL CHECK (length(issue_id) BETWEEN 1 AND 200),
    issue_title TEXT,
    issue_type TEXT,
    issue_priority BIGINT,
    workflow TEXT NOT NULL,
    environment TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('plan', 'build', 'review')),
    status TEXT NOT NULL
    CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
    started_at TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    updated_at TEXT NOT NULL CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    completed_at TEXT CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    heartbeat_at TEXT CHECK (heartbeat_at LIKE '____-__-__T__:__:__.______Z'),
    owner TEXT,
    fence BIGINT NOT NULL DEFAULT 0 CHECK (fence >= 0),
    claimed BIGINT NOT NULL DEFAULT 0 CHECK (claimed IN (0, 1)),
    error_message TEXT,
    worktree_name TEXT,
    worktree_path TEXT,
    branch_name TEXT,
    plan_file TEXT,
    pr_created BIGINT NOT NULL DEFAULT 0 CHECK (pr_created IN (0, 1)),
    pr_url TEXT,
    extra_data TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (issue_id) REFERENCES issues (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
    CHECK (claimed = 0 OR status IN ('pending', 'in_progress'))
);
CREATE INDEX idx_executions_issue ON adw_executions (issue_id, started_at);
CREATE INDEX idx_executions_status ON adw_executions (status, completed_at);
CREATE INDEX idx_executions_phase ON adw_executions (phase, status);
CREATE INDEX idx_adw_executions_started
ON adw_executions (started_at, issue_type, status, phase, environment, id);
CREATE UNIQUE INDEX idx_adw_executions_claim ON adw_executions (issue_id)
WHERE claimed = 1;
CREATE TABLE adw_phase_attempts (
    execution_id TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('plan', 'build', 'review')),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'failed', 'interrupted')),
    started_at TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    finished_at TEXT CHECK (finished_at LIKE '____-__-__T__:__:__.______Z'),
    duration_seconds DOUBLE PRECISION CHECK (duration_seconds >= 0),
    error_message TEXT,
    exit_code BIGINT,
    agent TEXT,
    model TEXT,
    session_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_usd DOUBLE PRECISION,
    PRIMARY KEY (execution_id, phase, attempt),
    FOREIGN KEY (execution_id) REFERENCES adw_executions (id) ON DELETE CASCADE,
    CHECK ((status = 'in_progress') = (finished_at IS NULL))
);
CREATE INDEX idx_adw_phase_attempts_report
ON adw_phase_attempts (execution_id, phase, attempt, status, duration_seconds);
CREATE TABLE adw_checkpoints (
    op_id TEXT NOT NULL CHECK (length(op_id) BETWEEN 1 AND 200),
    execution_id TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 1),
    phase TEXT NOT NULL CHECK (phase IN ('plan', 'build', 'review')),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    checkpoint_name TEXT NOT NULL CHECK (length(checkpoint_name) BETWEEN 1 AND 200),
    checkpoint_data TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (op_id),
    FOREIGN KEY (execution_id) REFERENCES adw_executions (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_checkpoints_execution ON adw_checkpoints (execution_id, seq);
CREATE TABLE adw_executions_archive (
    id TEXT,
    issue_id TEXT,
    issue_title TEXT,
    issue_type TEXT,
    issue_priority BIGINT,
    workflow TEXT,
    environment TEXT,
    phase TEXT,
    status TEXT,
    started_at TEXT,
    updated_at TEXT,
    completed_at TEXT,
    heartbeat_at TEXT,
    owner TEXT,
    fence BIGINT,
    claimed BIGINT,
    error_message TEXT,
    worktree_name TEXT,
    worktree_path TEXT,
    branch_name TEXT,
    plan_file TEXT,
    pr_created BIGINT,
    pr_url TEXT,
    extra_data TEXT,
    archived_at TEXT,
    archive_reason TEXT
);
CREATE TABLE adw_phase_attempts_archive (
    execution_id TEXT,
    phase TEXT,
    attempt BIGINT,
    status TEXT,
    started_at TEXT,
    finished_at TEXT,
    duration_seconds DOUBLE PRECISION,
    error_message TEXT,
    exit_code BIGINT,
    agent TEXT,
    model TEXT,
    session_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_usd DOUBLE PRECISION,
    archived_at TEXT,
    archive_reason TEXT
);
CREATE TABLE adw_checkpoints_archive (
    op_id TEXT,
    execution_id TEXT,
    seq BIGINT,
    phase TEXT,
    attempt BIGINT,
    checkpoint_name TEXT,
    checkpoint_data TEXT,
    created_at TEXT,
    archived_at TEXT,
    archive_reason TEXT
);
CREATE TABLE adw_archive_requests (
    execution_id TEXT NOT NULL,
    archived_at TEXT NOT NULL,
    archive_reason TEXT NOT NULL,
    PRIMARY KEY (execution_id)
);
CREATE INDEX idx_adw_executions_archive_issue ON adw_executions_archive (issue_id);
CREATE INDEX idx_adw_executions_archive_id ON adw_executions_archive (id);
CREATE INDEX idx_adw_phase_attempts_archive_execution ON adw_phase_attempts_archive (execution_id);
CREATE INDEX idx_adw_checkpoints_archive_execution ON adw_checkpoints_archive (execution_id);
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES ('001', 'add_adw_tables', 'sum-001', '2026-11-01T00:00:00.000000Z');
CREATE VIEW recent_failures AS
SELECT
    e.id AS execution_id,
    e.issue_id,
    e.issue_title,
    e.issue_type,
    e.phase,
    e.error_message,
    e.completed_at AS failed_at,
    (julianday('now') - julianday(e.completed_at)) * 24.0 AS age_hours
FROM adw_executions AS e
WHERE
    e.status = 'failed'
    AND e.completed_at >= strftime('%Y-%m-%dT%H:%M:%f', 'now', '-30 days') || '000Z';
CREATE VIEW stale_checkpoints AS
SELECT
    s.execution_id,
    s.issue_id,
    s.issue_title,
    s.issue_type,
    s.phase,
    s.checkpoint_name,
    s.seq,
    s.checkpoint_at,
    s.last_sign_of_life_at,
    s.error_message,
    (julianday('now') - julianday(s.last_sign_of_life_at)) * 24.0 AS age_hours
FROM (
    SELECT
        e.id AS execution_id,
        e.issue_id,
        e.issue_title,
        e.issue_type,
        e.phase,
        c.checkpoint_name,
        c.seq,
        c.created_at AS checkpoint_at,
        e.error_message,
        max(
            c.created_at,
            e.updated_at,
            coalesce(e.heartbeat_at, e.updated_at),
            coalesce(
                (
                    SELECT max(coalesce(a.finished_at, a.started_at)) FROM adw_phase_attempts AS a
                    WHERE a.execution_id = e.id
                ),
                e.updated_at
            )
        ) AS last_sign_of_life_at
    FROM adw_executions AS e
    INNER JOIN adw_checkpoints AS c ON e.id = c.execution_id
    WHERE
        e.status IN ('pending', 'in_progress')
        AND c.seq = (
            SELECT max(n.seq) FROM adw_checkpoints AS n
            WHERE n.execution_id = e.id
        )
) AS s
WHERE s.last_sign_of_life_at < strftime('%Y-%m-%dT%H:%M:%f', 'now', '-24 hours') || '000Z';
CREATE VIEW success_rate_by_type AS
SELECT
    coalesce(e.issue_type, 'unknown') AS issue_type,
    count(*) AS total,
    count(*) FILTER (WHERE e.status = 'completed') AS completed,
    count(*) FILTER (WHERE e.status = 'failed') AS failed,
    count(*) FILTER (WHERE e.status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE e.status IN ('pending', 'in_progress')) AS unfinished,
    100.0 * count(*) FILTER (WHERE e.status = 'completed') / count(*) AS success_rate_percent,
    100.0 * count(*) FILTER (WHERE e.status = 'completed')
    / nullif(count(*) FILTER (WHERE e.status IN ('completed', 'failed')), 0)
        AS finished_success_rate_percent
FROM adw_executions AS e
GROUP BY coalesce(e.issue_type, 'unknown');
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES ('002', 'create_views', 'sum-002', '2026-11-01T00:00:00.000000Z');
CREATE TRIGGER adw_executions_archive_before_delete
BEFORE DELETE ON adw_executions
BEGIN
    INSERT INTO adw_executions_archive (
        id, issue_id, issue_title, issue_type, issue_priority, workflow, environment, phase, status,
        started_at, updated_at, completed_at, heartbeat_at, owner, fence, claimed, error_message,
        worktree_name, worktree_path, branch_name, plan_file, pr_created, pr_url, extra_data,
        archived_at, archive_reason
    )
    VALUES (
        old.id, old.issue_id, old.issue_title, old.issue_type, old.issue_priority, old.workflow,
        old.environment, old.phase, old.status, old.started_at, old.updated_at, old.completed_at,
        old.heartbeat_at, old.owner, old.fence, old.claimed, old.error_message, old.worktree_name,
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
        execution_id, phase, attempt, status, started_at, finished_at, duration_seconds, error_message,
        exit_code, agent, model, session_id, input_tokens, output_tokens, cost_usd,
        archived_at, archive_reason
    )
    VALUES (
        old.execution_id, old.phase, old.attempt, old.status, old.started_at, old.finished_at,
        old.duration_seconds, old.error_message, old.exit_code, old.agent, old.model, old.session_id,
        old.input_tokens, old.output_tokens, old.cost_usd,
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
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES ('003', 'add_archive_triggers', 'sum-003', '2026-11-01T00:00:00.000000Z');
CREATE TABLE adw_healings (
    seq BIGINT NOT NULL CHECK (seq >= 1),
    healed_at TEXT NOT NULL CHECK (healed_at LIKE '____-__-__T__:__:__.______Z'),
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    old_issue_id TEXT,
    new_issue_id TEXT,
    executions BIGINT NOT NULL CHECK (executions >= 0),
    detail TEXT NOT NULL,
    PRIMARY KEY (seq)
);
CREATE TABLE adw_healing_state (
    id BIGINT NOT NULL CHECK (id = 1),
    event_watermark BIGINT NOT NULL,
    seen_issues BIGINT NOT NULL,
    seen_issue_row BIGINT NOT NULL,
    seen_archive_row BIGINT NOT NULL,
    looked_at TEXT NOT NULL CHECK (looked_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (id)
);
CREATE INDEX idx_adw_executions_archive_restorable ON adw_executions_archive (issue_id)
WHERE archive_reason IN ('deleted', 'orphaned');
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES ('004', 'add_healing', 'sum-004', '2026-11-01T00:00:00.000000Z');
