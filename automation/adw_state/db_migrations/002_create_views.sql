-- Views for a person with the sqlite3 shell, over our own tables only.
--
-- A view that named a table of the tracker (issues, dependencies, ...) would make bd refuse to open
-- the database when it rebuilds that table; the issue's title and type are therefore the copies that
-- adw_executions holds. Views that depend on the present moment are written once per engine; these
-- are SQLite's.

-- migrate:up

-- Executions that ended as failed in the last 30 days: which issue, in which phase, why, how long ago.
-- phase and error_message are those of the execution, age_hours counts from its end.
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

-- Every unfinished execution, with its newest checkpoint if it has one, when it last gave a sign of life,
-- and since when it has been silent. A sign of life is a heartbeat, an update of the execution, the begin
-- or end of an attempt, or a checkpoint. One that waits until a moment is expected to be silent till then.
-- `adw status` and the reports read this view, and so does the next one.
CREATE VIEW adw_signs_of_life AS
SELECT
    s.*,
    CASE
        WHEN s.waiting_until > s.last_sign_of_life_at THEN s.waiting_until
        ELSE s.last_sign_of_life_at
    END AS silent_since
FROM (
    SELECT
        e.id AS execution_id,
        e.issue_id,
        e.issue_title,
        e.issue_type,
        e.environment,
        e.phase,
        e.updated_at,
        e.waiting_until,
        e.error_message,
        c.checkpoint_name,
        c.seq,
        c.created_at AS checkpoint_at,
        (
            SELECT max(t.seen_at)
            FROM (
                SELECT e.updated_at AS seen_at
                UNION ALL
                SELECT e.heartbeat_at AS seen_at
                UNION ALL
                SELECT c.created_at AS seen_at
                UNION ALL
                SELECT coalesce(a.finished_at, a.started_at) AS seen_at
                FROM adw_phase_attempts AS a
                WHERE a.execution_id = e.id
            ) AS t
        ) AS last_sign_of_life_at
    FROM adw_executions AS e
    LEFT JOIN adw_checkpoints AS c
        ON
            e.id = c.execution_id
            AND c.seq = (
                SELECT max(n.seq) FROM adw_checkpoints AS n
                WHERE n.execution_id = e.id
            )
    WHERE e.status IN ('pending', 'in_progress', 'waiting')
) AS s;

-- Every unfinished execution that has been silent for 24 hours, with its newest checkpoint.
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
FROM adw_signs_of_life AS s
WHERE s.silent_since < strftime('%Y-%m-%dT%H:%M:%f', 'now', '-24 hours') || '000Z';

-- How often runs succeed, by the issue's type, over all executions in the live tables.
-- success_rate_percent divides by every run; finished_success_rate_percent only by those that ended as
-- completed or failed, and is NULL where none has.
CREATE VIEW success_rate_by_type AS
SELECT
    coalesce(e.issue_type, 'unknown') AS issue_type,
    count(*) AS total,
    count(*) FILTER (WHERE e.status = 'completed') AS completed,
    count(*) FILTER (WHERE e.status = 'failed') AS failed,
    count(*) FILTER (WHERE e.status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE e.status IN ('pending', 'in_progress', 'waiting')) AS unfinished,
    100.0 * count(*) FILTER (WHERE e.status = 'completed') / count(*) AS success_rate_percent,
    100.0 * count(*) FILTER (WHERE e.status = 'completed')
    / nullif(count(*) FILTER (WHERE e.status IN ('completed', 'failed')), 0)
        AS finished_success_rate_percent
FROM adw_executions AS e
GROUP BY coalesce(e.issue_type, 'unknown');

-- migrate:down
DROP VIEW success_rate_by_type;
DROP VIEW stale_checkpoints;
DROP VIEW adw_signs_of_life;
DROP VIEW recent_failures;
