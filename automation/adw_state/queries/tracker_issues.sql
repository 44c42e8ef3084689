-- Reading bd's own tables.

-- name: issue
-- The issue with exactly this id; bd's columns come and go with its versions, so all that are there.
SELECT * FROM issues -- noqa: AM04
WHERE id = :issue_id;

-- name: labels_table
-- Whether the tracker keeps labels.
SELECT 1 FROM sqlite_master
WHERE type = 'table' AND name = 'labels';

-- name: labels
-- The labels of one issue.
SELECT label FROM labels
WHERE issue_id = :issue_id
ORDER BY label;
