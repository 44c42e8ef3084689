-- What is looked at whenever a database is opened; each is one look-up.

-- name: our_tables
-- Which of the tables that everything rests on are there. An execution of our making has a fence; one of
-- an earlier implementation has not. Before our first release it had no list of phases.
SELECT
    m.name,
    CASE WHEN m.sql LIKE '%fence%' THEN 1 ELSE 0 END AS is_fenced,
    CASE WHEN m.sql LIKE '%phases%' THEN 1 ELSE 0 END AS has_phases
FROM sqlite_master AS m
WHERE m.type = 'table' AND m.name IN ('schema_version', 'adw_executions')
ORDER BY m.name;

-- name: newest_migration
-- Up to which migration the database has come.
SELECT max(v.version) AS version FROM schema_version AS v;

-- name: foreign_keys
-- Whether our executions refer to rows of another table: those of a tracker, in its file.
SELECT count(*) AS found FROM pragma_foreign_key_list('adw_executions');
