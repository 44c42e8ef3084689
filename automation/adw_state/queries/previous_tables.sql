-- Tables that an earlier implementation of this idea, or a version of ours before its first release, left in
-- a file. SQLite's alone: they never had another home.

-- name: columns
-- The columns of a table or view; none where there is no such thing.
SELECT lower(c.name) AS name FROM pragma_table_info(:name) AS c
ORDER BY c.cid;

-- name: recorded
-- What they note of their own migrations.
SELECT * FROM schema_version -- noqa: AM04
ORDER BY version;

-- name: count_executions
-- How many executions there are.
SELECT count(*) AS found FROM adw_executions;

-- name: count_checkpoints
-- How many checkpoints there are.
SELECT count(*) AS found FROM adw_checkpoints;

-- name: issues_table
-- Whether the tracker's issues are in the same file.
SELECT 1 AS found FROM sqlite_master AS m
WHERE m.type = 'table' AND m.name = 'issues';

-- name: executions
-- The earlier implementation's executions, in the order in which they were written.
SELECT * FROM adw_executions -- noqa: AM04
ORDER BY rowid;

-- name: checkpoints
-- The checkpoints of one of them.
SELECT * FROM adw_checkpoints -- noqa: AM04
WHERE execution_id = :execution_id
ORDER BY rowid;

-- name: checkpoints_of_none
-- The checkpoints whose execution is not there.
SELECT * FROM adw_checkpoints AS c -- noqa: AM04
WHERE
    NOT EXISTS (
        SELECT 1 FROM adw_executions AS e
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

-- name: audit
-- What a version of ours before its first release wrote down of what it put right.
SELECT * FROM adw_healings -- noqa: AM04
ORDER BY seq;

-- name: rows_now
-- How many rows there are in the new tables and their archives.
SELECT
    (SELECT count(*) FROM adw_executions) AS executions,
    (SELECT count(*) FROM adw_executions_archive) AS executions_archived,
    (SELECT count(*) FROM adw_checkpoints) AS checkpoints,
    (SELECT count(*) FROM adw_checkpoints_archive) AS checkpoints_archived,
    (SELECT count(*) FROM adw_phase_attempts) AS attempts,
    (SELECT count(*) FROM adw_phase_attempts_archive) AS attempts_archived;

-- name: dangling
-- The tables of ours with rows that refer to nothing.
SELECT DISTINCT f."table" AS name FROM pragma_foreign_key_check AS f
WHERE f."table" LIKE 'adw\_%' ESCAPE '\'
ORDER BY f."table";
