-- Whether the database can be relied on.

-- name: write_nothing
-- A write that changes no row: it fails where the file may not be written.
UPDATE adw_executions
SET status = status
WHERE 1 = 0;
