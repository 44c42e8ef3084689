-- Reconciliation: our rows follow their issues through what the tracker does to them behind our back.
--
-- These statements are SQLite's alone, because only a tracker's SQLite file holds our tables beside its
-- issues. They read the tracker's `issues` and `events` and write our own tables only. The tracker's
-- times come in a dozen shapes, so they are compared by julianday, which is NULL for those it cannot
-- read; NULL never counts as evidence. Lists come as JSON arrays in one parameter. CROSS JOIN because
-- SQLite takes its tables in the order written: the few new events first.

-- name: stamp
-- The number that an application may stamp a file with; bd never does, br does.
PRAGMA user_version;

-- name: issue
-- What an execution copies of an issue that is not deleted.
SELECT
    i.title,
    i.issue_type,
    i.priority
FROM issues AS i
WHERE i.id = :issue_id AND i.status <> 'tombstone';

-- name: issue_in_step
-- The same, unless the tracker has an event that was not followed yet, which may have renamed the issue.
SELECT
    i.title,
    i.issue_type,
    i.priority
FROM issues AS i
WHERE
    i.id = :issue_id
    AND i.status <> 'tombstone'
    AND coalesce((SELECT max(v.id) FROM events AS v), 0)
    <= (SELECT s.event_watermark FROM adw_reconcile_state AS s);

-- name: event_columns
-- How many of the columns that renames are followed by the tracker's events have here: 7 or unusable.
SELECT count(*) AS found FROM pragma_table_info('events') AS c
WHERE c.name IN ('id', 'issue_id', 'event_type', 'actor', 'old_value', 'new_value', 'created_at');

-- name: newest_event
-- The newest event that is still there; those of a deleted issue are deleted with it.
SELECT max(v.id) AS newest FROM events AS v;

-- name: has_sequences
-- Whether this database numbers any table's rows once and for all.
SELECT count(*) AS found FROM sqlite_master AS m
WHERE m.name = 'sqlite_sequence';

-- name: event_sequence
-- The highest number that an event ever had.
SELECT q.seq AS highest FROM sqlite_sequence AS q
WHERE q.name = 'events';

-- name: evidence
-- What was seen at the last look, if there was one, and what a look costs nothing to see now.
SELECT
    s.event_watermark,
    s.seen_issues,
    s.seen_issue_row,
    s.seen_archive_row,
    s.looked_at,
    (SELECT count(*) FROM issues) AS issues,
    coalesce((SELECT max(i.rowid) FROM issues AS i), 0) AS issue_row,
    coalesce((SELECT max(a.rowid) FROM adw_executions_archive AS a), 0) AS archive_row,
    coalesce((SELECT max(e.rowid) FROM adw_executions AS e), 0) AS execution_row
FROM (SELECT 1 AS one) AS o
LEFT JOIN adw_reconcile_state AS s ON o.one = s.id;

-- name: remember
-- This is what was seen when every row was looked at.
INSERT INTO adw_reconcile_state (
    id, event_watermark, seen_issues, seen_issue_row, seen_archive_row, looked_at
)
VALUES (1, :event_watermark, :issues, :issue_row, :archive_row, :now)
ON CONFLICT (id) DO UPDATE SET
    event_watermark = excluded.event_watermark,
    seen_issues = excluded.seen_issues,
    seen_issue_row = excluded.seen_issue_row,
    seen_archive_row = excluded.seen_archive_row,
    looked_at = excluded.looked_at;

-- name: created_since
-- How many issues that still live were made after :after, as far as the tracker wrote that down.
SELECT count(*) AS created FROM events AS v
WHERE v.id > :after AND v.event_type = 'created';

-- name: any_rename
-- Whether an issue got another id after :after.
SELECT 1 AS found
WHERE
    EXISTS (
        SELECT 1 FROM events AS v
        WHERE v.id > :after AND v.event_type = 'renamed'
    );

-- name: renames
-- The ids that issues got after :after, in the order in which they got them.
SELECT
    v.old_value,
    v.new_value,
    v.created_at
FROM events AS v
WHERE
    v.id > :after
    AND v.event_type = 'renamed'
    AND typeof(v.old_value) = 'text'
    AND typeof(v.new_value) = 'text'
    AND v.old_value <> ''
    AND v.new_value <> ''
ORDER BY v.id;

-- name: any_returning
-- Whether the issue of any archived execution lives.
SELECT 1 AS found
WHERE
    EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        WHERE
            a.archive_reason IN ('deleted', 'orphaned')
            AND EXISTS (
                SELECT 1 FROM issues AS i
                WHERE i.id = a.issue_id
            )
    );

-- name: any_returning_of_new
-- The same, where only issues and archived rows that came since the last look can be the reason.
SELECT 1 AS found
WHERE
    EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        WHERE
            a.rowid > :seen_archive_row
            AND a.archive_reason IN ('deleted', 'orphaned')
            AND EXISTS (
                SELECT 1 FROM issues AS i
                WHERE i.id = a.issue_id
            )
        UNION ALL
        SELECT 1 FROM issues AS i
        WHERE
            i.rowid > :seen_issue_row
            AND EXISTS (
                SELECT 1 FROM adw_executions_archive AS a
                WHERE a.issue_id = i.id AND a.archive_reason IN ('deleted', 'orphaned')
            )
    );

-- name: any_orphaned_part
-- Whether an attempt or checkpoint outlived its execution, which went to the archive since the last look.
SELECT 1 AS found
WHERE
    EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        LEFT JOIN adw_executions AS e ON a.id = e.id
        WHERE
            a.rowid > :seen_archive_row
            AND e.id IS NULL
            AND (
                EXISTS (
                    SELECT 1 FROM adw_phase_attempts AS p
                    WHERE p.execution_id = a.id
                )
                OR EXISTS (
                    SELECT 1 FROM adw_checkpoints AS c
                    WHERE c.execution_id = a.id
                )
            )
    );

-- name: request_orphaned_parts
-- Ask for the archiving of attempts and checkpoints that outlived their execution.
INSERT INTO adw_archive_requests (execution_id, archived_at, archive_reason)
SELECT DISTINCT
    s.execution_id,
    :now,
    'orphaned'
FROM (
    SELECT p.execution_id FROM adw_phase_attempts AS p
    UNION
    SELECT c.execution_id FROM adw_checkpoints AS c
) AS s
WHERE
    NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
        WHERE e.id = s.execution_id
    );

-- name: delete_requested_attempts
-- Take the attempts of the requested executions out of the live table.
DELETE FROM adw_phase_attempts
WHERE execution_id IN (SELECT r.execution_id FROM adw_archive_requests AS r);

-- name: delete_requested_checkpoints
-- Take the checkpoints of the requested executions out of the live table.
DELETE FROM adw_checkpoints
WHERE execution_id IN (SELECT r.execution_id FROM adw_archive_requests AS r);

-- name: any_gone
-- Whether any archived execution waits for its issue.
SELECT 1 AS found
WHERE
    EXISTS (
        SELECT 1 FROM adw_executions_archive AS a
        WHERE a.archive_reason IN ('deleted', 'orphaned')
    );

-- name: reidentified
-- Pairs of a gone issue with archived executions and an issue that looks like it under another id: made
-- after :after in the tracker's file, within a minute of the other's deletion where that is known, with
-- the title and type that the run remembers. Either bd's own import says that it made an issue anew, or
-- the issue is older than the run and than its place in this file.
SELECT DISTINCT
    a.issue_id AS old_issue_id,
    i.id AS new_issue_id
FROM events AS v
CROSS JOIN issues AS i
CROSS JOIN adw_executions_archive AS a
WHERE
    v.id > :after
    AND v.issue_id = i.id
    AND i.title = a.issue_title
    AND i.issue_type = a.issue_type
    AND v.event_type = 'created'
    AND (v.actor = 'import-rename' OR julianday(i.created_at) < julianday(v.created_at))
    AND a.archive_reason IN ('deleted', 'orphaned')
    AND (v.actor = 'import-rename' OR julianday(i.created_at) <= julianday(a.started_at))
    AND (
        abs(julianday(v.created_at) - julianday(a.archived_at)) <= 1.0 / 1440.0
        OR (v.actor = 'import-rename' AND a.archive_reason = 'orphaned')
    )
    AND NOT EXISTS (
        SELECT 1 FROM issues AS g
        WHERE g.id = a.issue_id
    )
ORDER BY a.issue_id, i.id;

-- name: starts_of_missing
-- The issues that executions, live or waiting in the archive, name but the tracker does not have, and
-- when the first and the last of those executions began.
SELECT
    m.issue_id,
    min(m.started_at) AS first_start,
    max(m.started_at) AS last_start
FROM (
    SELECT
        e.issue_id,
        e.started_at
    FROM adw_executions AS e
    UNION ALL
    SELECT
        a.issue_id,
        a.started_at
    FROM adw_executions_archive AS a
    WHERE a.archive_reason IN ('deleted', 'orphaned')
) AS m
WHERE
    NOT EXISTS (
        SELECT 1 FROM issues AS i
        WHERE i.id = m.issue_id
    )
GROUP BY m.issue_id
ORDER BY m.issue_id;

-- name: present_issues
-- Which of these issues the tracker has.
SELECT i.id FROM issues AS i
WHERE i.id IN (SELECT j.value FROM json_each(:issues) AS j);

-- name: count_by_issue
-- How many executions, live and archived ones that still count as theirs, each of these issues has.
SELECT
    m.issue_id,
    count(*) FILTER (WHERE m.live = 1) AS live,
    count(*) FILTER (WHERE m.live = 0) AS archived
FROM (
    SELECT
        e.issue_id,
        1 AS live
    FROM json_each(:issues) AS j
    INNER JOIN adw_executions AS e ON j.value = e.issue_id
    UNION ALL
    SELECT
        a.issue_id,
        0 AS live
    FROM json_each(:issues) AS j
    INNER JOIN adw_executions_archive AS a ON j.value = a.issue_id
    WHERE a.archive_reason <> 'id_reused'
) AS m
GROUP BY m.issue_id
ORDER BY m.issue_id;

-- name: request_by_issue
-- Ask for the archiving of every live execution of these issues.
INSERT INTO adw_archive_requests (execution_id, archived_at, archive_reason)
SELECT
    e.id,
    :now,
    :reason
FROM json_each(:issues) AS j
INNER JOIN adw_executions AS e ON j.value = e.issue_id
WHERE 1 = 1
ON CONFLICT (execution_id) DO NOTHING;

-- name: orphans
-- The executions without an issue, and the ids that they name.
SELECT
    e.rowid AS live_row,
    e.issue_id
FROM adw_executions AS e
WHERE
    NOT EXISTS (
        SELECT 1 FROM issues AS i
        WHERE i.id = e.issue_id
    )
ORDER BY e.issue_id;

-- name: detach_archived
-- Archived executions of these issues belong to a former issue of that id and wait for it no longer.
UPDATE adw_executions_archive
SET archive_reason = 'id_reused'
WHERE
    archive_reason IN ('deleted', 'orphaned')
    AND issue_id IN (SELECT j.value FROM json_each(:issues) AS j);

-- name: reused_ids
-- Archived executions whose id of an issue belongs to another one now: made after they were archived, and
-- called otherwise than they remember.
SELECT
    a.rowid AS archive_row,
    a.issue_id
FROM adw_executions_archive AS a
INNER JOIN issues AS i ON a.issue_id = i.id
WHERE
    a.archive_reason IN ('deleted', 'orphaned')
    AND a.issue_title <> i.title
    AND julianday(i.created_at) > julianday(a.archived_at)
ORDER BY a.issue_id;

-- name: ids_reused
-- Executions whose id of an issue belongs to one made after :after: their own vanished without an event that
-- we could see, for the new one was made after they began and is called otherwise.
SELECT DISTINCT
    e.rowid AS live_row,
    e.issue_id
FROM events AS v
CROSS JOIN issues AS i
CROSS JOIN adw_executions AS e
WHERE
    v.id > :after
    AND v.event_type = 'created'
    AND v.issue_id = i.id
    AND i.id = e.issue_id
    AND e.issue_title <> i.title
    AND julianday(i.created_at) > julianday(e.started_at)
ORDER BY e.issue_id;

-- name: request
-- Ask for the archiving of these executions.
INSERT INTO adw_archive_requests (execution_id, archived_at, archive_reason)
SELECT
    e.id,
    :now,
    :reason
FROM adw_executions AS e
WHERE e.rowid IN (SELECT j.value FROM json_each(:rows) AS j);

-- name: claims_of_issues
-- The executions that hold one of these issues.
SELECT e.id FROM json_each(:issues) AS j
INNER JOIN adw_executions AS e ON j.value = e.issue_id
WHERE e.claimed = 1
ORDER BY e.id;

-- name: release
-- These executions hold their issue no longer.
UPDATE adw_executions
SET claimed = 0
WHERE id IN (SELECT j.value FROM json_each(:ids) AS j);

-- name: claim_if_free
-- This execution holds its issue again, unless it is over or another one holds that issue by now.
UPDATE adw_executions
SET claimed = 1
WHERE
    id = :id
    AND status IN ('pending', 'in_progress', 'waiting')
    AND NOT EXISTS (
        SELECT 1 FROM adw_executions AS o
        WHERE o.issue_id = adw_executions.issue_id AND o.claimed = 1
    );

-- name: move_live
-- Live executions get the new ids of their issues, all at once, so that ids may change places.
-- :moves is a JSON array of [old id, new id].
UPDATE adw_executions
SET issue_id = m.new_issue_id
FROM (
    SELECT
        json_extract(j.value, '$[0]') AS old_issue_id,
        json_extract(j.value, '$[1]') AS new_issue_id
    FROM json_each(:moves) AS j
) AS m
WHERE adw_executions.issue_id = m.old_issue_id;

-- name: move_archived
-- The same for archived executions.
UPDATE adw_executions_archive
SET issue_id = m.new_issue_id
FROM (
    SELECT
        json_extract(j.value, '$[0]') AS old_issue_id,
        json_extract(j.value, '$[1]') AS new_issue_id
    FROM json_each(:moves) AS j
) AS m
WHERE adw_executions_archive.issue_id = m.old_issue_id AND archive_reason <> 'id_reused';

-- name: returning
-- Archived executions whose issue lives, newest copy first, whether the execution lives already, and
-- whether its id is a text as it should be.
SELECT
    a.rowid AS archive_row,
    a.id,
    a.issue_id,
    a.claimed,
    CASE WHEN e.id IS NULL THEN 0 ELSE 1 END AS lives,
    CASE WHEN typeof(a.id) = 'text' THEN 1 ELSE 0 END AS named
FROM adw_executions_archive AS a
LEFT JOIN adw_executions AS e ON a.id = e.id
WHERE
    a.archive_reason IN ('deleted', 'orphaned')
    AND EXISTS (
        SELECT 1 FROM issues AS i
        WHERE i.id = a.issue_id
    )
ORDER BY a.rowid DESC;

-- name: archived_executions
-- These archived executions.
SELECT
    a.*,
    a.rowid AS archive_row
FROM adw_executions_archive AS a
WHERE a.rowid IN (SELECT j.value FROM json_each(:rows) AS j);

-- name: restore_attempts
-- Copy the archived attempts of these executions back, the newest copy of each.
INSERT OR IGNORE INTO adw_phase_attempts (
    execution_id, phase, place, attempt, status, started_at, finished_at, duration_seconds, error_class,
    error_message, exit_code, agent, model, session_id, prompt_sha256, workflow_sha256, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, cost_kind
)
SELECT
    a.execution_id,
    a.phase,
    a.place,
    a.attempt,
    a.status,
    a.started_at,
    a.finished_at,
    a.duration_seconds,
    a.error_class,
    a.error_message,
    a.exit_code,
    a.agent,
    a.model,
    a.session_id,
    a.prompt_sha256,
    a.workflow_sha256,
    a.input_tokens,
    a.cache_read_tokens,
    a.cache_write_tokens,
    a.output_tokens,
    a.reasoning_tokens,
    a.cost_usd,
    a.cost_kind
FROM adw_phase_attempts_archive AS a
WHERE
    a.archive_reason IN ('deleted', 'orphaned')
    AND a.execution_id IN (SELECT j.value FROM json_each(:ids) AS j)
ORDER BY a.rowid DESC;

-- name: restore_checkpoints
-- Copy the archived checkpoints of these executions back, the newest copy of each.
INSERT OR IGNORE INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
SELECT
    a.op_id,
    a.execution_id,
    a.seq,
    a.phase,
    a.attempt,
    a.checkpoint_name,
    a.checkpoint_data,
    a.created_at
FROM adw_checkpoints_archive AS a
WHERE
    a.archive_reason IN ('deleted', 'orphaned')
    AND a.execution_id IN (SELECT j.value FROM json_each(:ids) AS j)
ORDER BY a.rowid DESC;

-- name: forget_restored_executions
-- The archive gives up the executions that live again.
DELETE FROM adw_executions_archive
WHERE rowid IN (SELECT j.value FROM json_each(:rows) AS j);

-- name: forget_restored_attempts
-- The archive gives up the newest copy of each attempt that lives again.
DELETE FROM adw_phase_attempts_archive
WHERE rowid IN (
    SELECT max(a.rowid) FROM adw_phase_attempts_archive AS a
    INNER JOIN adw_phase_attempts AS p
        ON a.execution_id = p.execution_id AND a.phase = p.phase AND a.attempt = p.attempt
    WHERE
        a.archive_reason IN ('deleted', 'orphaned')
        AND a.execution_id IN (SELECT j.value FROM json_each(:ids) AS j)
    GROUP BY a.execution_id, a.phase, a.attempt
);

-- name: forget_restored_checkpoints
-- The archive gives up the newest copy of each checkpoint that lives again.
DELETE FROM adw_checkpoints_archive
WHERE rowid IN (
    SELECT max(a.rowid) FROM adw_checkpoints_archive AS a
    INNER JOIN adw_checkpoints AS c ON a.op_id = c.op_id AND a.execution_id = c.execution_id
    WHERE
        a.archive_reason IN ('deleted', 'orphaned')
        AND a.execution_id IN (SELECT j.value FROM json_each(:ids) AS j)
    GROUP BY a.op_id
);

-- name: mark_archived
-- These archived executions cannot come back, for this reason, and wait no longer.
UPDATE adw_executions_archive
SET archive_reason = :reason
WHERE rowid IN (SELECT j.value FROM json_each(:rows) AS j);

-- name: record
-- Write down what was reconciled; :reconciliations is a JSON array of
-- [kind, old issue id, new issue id, executions, detail].
INSERT INTO adw_reconciliations (seq, reconciled_at, kind, old_issue_id, new_issue_id, executions, detail)
SELECT
    coalesce((SELECT max(h.seq) FROM adw_reconciliations AS h), 0) + j.key + 1,
    :now,
    json_extract(j.value, '$[0]'),
    json_extract(j.value, '$[1]'),
    json_extract(j.value, '$[2]'),
    json_extract(j.value, '$[3]'),
    json_extract(j.value, '$[4]')
FROM json_each(:reconciliations) AS j
ORDER BY j.key;

-- name: reconciliations
-- What was reconciled, newest first.
SELECT
    h.seq,
    h.reconciled_at,
    h.kind,
    h.old_issue_id,
    h.new_issue_id,
    h.executions,
    h.detail
FROM adw_reconciliations AS h
ORDER BY h.seq DESC
LIMIT :most;
