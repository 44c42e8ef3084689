-- Executions, attempts and checkpoints, and the archives that keep them when they are deleted.
--
-- issue       a row of the tracker's `issues`; never written by us
-- execution   one run of a workflow, an ordered list of phases, on an issue
-- phase       a named part of a workflow, such as plan, build or test
-- attempt     one try at one phase of one execution; a retry is a new row
-- checkpoint  a named, saved step of an execution; append-only, newest by seq
--
-- Rules that hold in every table: times are UTC text of fixed width (YYYY-MM-DDTHH:MM:SS.ffffffZ),
-- truth values are 0 or 1, JSON is opaque text, and no stored object names a table of the tracker,
-- with one exception: the foreign key marked "only: beads", which the runner leaves out where the
-- database is our own file beside the tracker. Types and statements run on SQLite and PostgreSQL alike.

-- migrate:up

-- One row per workflow run. `phases` is the JSON list of the workflow's phases in order, as they were when
-- the run began; it never changes, and an attempt names its place in it. The issue's title, type and
-- priority are copied at the start, because a view that joined `issues` would stop bd from opening its
-- own database after an upgrade. `fence` is raised by every take-over and stands in the WHERE of every
-- write of the owner; `claimed` is 1 while the run holds its issue, so that one issue has one run.
-- A run that is `waiting` goes on without a process: for a person, a limit or an event, perhaps until a
-- moment; `release_by` says in words how it is released.
CREATE TABLE adw_executions (
    id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
    issue_id TEXT NOT NULL CHECK (length(issue_id) BETWEEN 1 AND 200),
    workflow TEXT NOT NULL,
    environment TEXT NOT NULL,
    phases TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (length(phase) BETWEEN 1 AND 50),
    status TEXT NOT NULL
    CHECK (status IN ('pending', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled')),
    started_at TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    updated_at TEXT NOT NULL CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    completed_at TEXT CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    heartbeat_at TEXT CHECK (heartbeat_at LIKE '____-__-__T__:__:__.______Z'),
    owner TEXT,
    fence BIGINT NOT NULL DEFAULT 0 CHECK (fence >= 0),
    claimed BIGINT NOT NULL DEFAULT 0 CHECK (claimed IN (0, 1)),
    waiting_for TEXT CHECK (waiting_for IN ('person', 'limit', 'event')),
    waiting_until TEXT CHECK (waiting_until LIKE '____-__-__T__:__:__.______Z'),
    release_by TEXT,
    error_message TEXT,
    issue_title TEXT,
    issue_type TEXT,
    issue_priority BIGINT,
    base_commit TEXT,
    worktree_name TEXT,
    worktree_path TEXT,
    branch_name TEXT,
    plan_file TEXT,
    pr_created BIGINT NOT NULL DEFAULT 0 CHECK (pr_created IN (0, 1)),
    pr_url TEXT,
    extra_data TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (issue_id) REFERENCES issues (id) ON DELETE CASCADE ON UPDATE CASCADE, -- only: beads
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
    CHECK ((status = 'waiting') = (waiting_for IS NOT NULL)),
    CHECK (status = 'waiting' OR (waiting_until IS NULL AND release_by IS NULL)),
    CHECK (claimed = 0 OR status IN ('pending', 'in_progress', 'waiting'))
);

-- The runs of one issue, newest last.
CREATE INDEX idx_executions_issue ON adw_executions (issue_id, started_at);
-- What is running, what failed lately.
CREATE INDEX idx_executions_status ON adw_executions (status, completed_at);
-- Where unfinished runs are.
CREATE INDEX idx_executions_phase ON adw_executions (phase, status);
-- Reports over a window of start times are answered from this index alone.
CREATE INDEX idx_adw_executions_started
ON adw_executions (started_at, issue_type, status, phase, environment, id);
-- One issue, one run.
CREATE UNIQUE INDEX idx_adw_executions_claim ON adw_executions (issue_id)
WHERE claimed = 1;

-- One row per try at a phase. Funnel, retries, durations and cost come from here: a row whose phase is
-- overwritten cannot tell which phases a run went through. `place` is that of the phase in the
-- execution's list, from 1. `interrupted` is the end of an attempt whose process died; it has an end
-- (when that was noticed) but no duration. Tokens are counted apart: what went in without the cache, what
-- was read from and written to the cache, what came out, and what of it was reasoning.
CREATE TABLE adw_phase_attempts (
    execution_id TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (length(phase) BETWEEN 1 AND 50),
    place BIGINT NOT NULL CHECK (place >= 1),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'failed', 'interrupted')),
    started_at TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    finished_at TEXT CHECK (finished_at LIKE '____-__-__T__:__:__.______Z'),
    duration_seconds DOUBLE PRECISION CHECK (duration_seconds >= 0),
    error_class TEXT,
    error_message TEXT,
    exit_code BIGINT,
    agent TEXT,
    model TEXT,
    session_id TEXT,
    prompt_sha256 TEXT,
    workflow_sha256 TEXT,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    cost_usd DOUBLE PRECISION,
    cost_kind TEXT CHECK (cost_kind IN ('reported', 'estimated', 'unknown')),
    PRIMARY KEY (execution_id, phase, attempt),
    FOREIGN KEY (execution_id) REFERENCES adw_executions (id) ON DELETE CASCADE,
    CHECK ((status = 'in_progress') = (finished_at IS NULL)),
    CHECK (cost_usd IS NULL OR coalesce(cost_kind, 'unknown') IN ('reported', 'estimated'))
);

-- Reports over many executions read their attempts from this index alone.
CREATE INDEX idx_adw_phase_attempts_report
ON adw_phase_attempts (execution_id, phase, attempt, status, duration_seconds, place);

-- Saved steps. `op_id` is made by the caller's side, so a repeated save is recognised; the newest
-- checkpoint is the one with the highest seq, whatever the clocks said.
CREATE TABLE adw_checkpoints (
    op_id TEXT NOT NULL CHECK (length(op_id) BETWEEN 1 AND 200),
    execution_id TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 1),
    phase TEXT NOT NULL CHECK (length(phase) BETWEEN 1 AND 50),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    checkpoint_name TEXT NOT NULL CHECK (length(checkpoint_name) BETWEEN 1 AND 200),
    checkpoint_data TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (op_id),
    FOREIGN KEY (execution_id) REFERENCES adw_executions (id) ON DELETE CASCADE
);

-- The checkpoints of one execution in order; also what makes seq unique within it.
CREATE UNIQUE INDEX idx_checkpoints_execution ON adw_checkpoints (execution_id, seq);

-- The archives: the same columns without a single constraint, because an archive that refused a row
-- would make the tracker's own DELETE fail. archive_reason: 'deleted' (a cascade or a DELETE),
-- 'retention' (archive_old_executions), 'orphaned' (its issue is gone for good).
CREATE TABLE adw_executions_archive (
    id TEXT,
    issue_id TEXT,
    workflow TEXT,
    environment TEXT,
    phases TEXT,
    phase TEXT,
    status TEXT,
    started_at TEXT,
    updated_at TEXT,
    completed_at TEXT,
    heartbeat_at TEXT,
    owner TEXT,
    fence BIGINT,
    claimed BIGINT,
    waiting_for TEXT,
    waiting_until TEXT,
    release_by TEXT,
    error_message TEXT,
    issue_title TEXT,
    issue_type TEXT,
    issue_priority BIGINT,
    base_commit TEXT,
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
    place BIGINT,
    attempt BIGINT,
    status TEXT,
    started_at TEXT,
    finished_at TEXT,
    duration_seconds DOUBLE PRECISION,
    error_class TEXT,
    error_message TEXT,
    exit_code BIGINT,
    agent TEXT,
    model TEXT,
    session_id TEXT,
    prompt_sha256 TEXT,
    workflow_sha256 TEXT,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    cost_usd DOUBLE PRECISION,
    cost_kind TEXT,
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

-- Why an execution is being deleted, and when, for the archive triggers; filled and emptied within one
-- transaction, so it is empty whenever anybody looks. A deletion without a request is the tracker's.
CREATE TABLE adw_archive_requests (
    execution_id TEXT NOT NULL,
    archived_at TEXT NOT NULL,
    archive_reason TEXT NOT NULL,
    PRIMARY KEY (execution_id)
);

-- Looked up when rows come back: by the issue of an execution, and by the execution of the rest.
CREATE INDEX idx_adw_executions_archive_issue ON adw_executions_archive (issue_id);
CREATE INDEX idx_adw_executions_archive_id ON adw_executions_archive (id);
CREATE INDEX idx_adw_phase_attempts_archive_execution ON adw_phase_attempts_archive (execution_id);
CREATE INDEX idx_adw_checkpoints_archive_execution ON adw_checkpoints_archive (execution_id);

-- migrate:down
DROP TABLE adw_archive_requests;
DROP TABLE adw_checkpoints_archive;
DROP TABLE adw_phase_attempts_archive;
DROP TABLE adw_executions_archive;
DROP TABLE adw_checkpoints;
DROP TABLE adw_phase_attempts;
DROP TABLE adw_executions;
