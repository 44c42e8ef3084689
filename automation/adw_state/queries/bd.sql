-- bd's own tables in its SQLite file. They come and go with its versions.

-- name: issue
-- The issue with exactly this id, with the columns that there are.
SELECT * FROM issues -- noqa: AM04
WHERE id = :issue_id;

-- name: unfinished_issues
-- Every issue that is neither closed nor deleted.
SELECT * FROM issues -- noqa: AM04
WHERE status NOT IN ('closed', 'tombstone');

-- name: side_tables
-- Which tables there are with something of issues that a row of them does not hold.
SELECT name FROM sqlite_master
WHERE type = 'table' AND name IN ('dependencies', 'labels');

-- name: labels
-- The labels of one issue; of all, where no issue is named.
SELECT
    issue_id,
    label
FROM labels
WHERE :issue_id IS NULL OR issue_id = :issue_id
ORDER BY label;

-- name: dependencies
-- What one issue depends on, and how; what all do, where no issue is named.
SELECT
    issue_id,
    depends_on_id,
    type
FROM dependencies
WHERE :issue_id IS NULL OR issue_id = :issue_id;

-- name: add_issue
-- One issue, made now.
INSERT INTO issues (
    id, title, description, design, acceptance_criteria, notes, status, priority, issue_type,
    created_at, updated_at, closed_at
)
VALUES (
    :id, :title, :description, :design, :acceptance_criteria, :notes, :status, :priority, :issue_type,
    :now, :now, :closed_at
);

-- name: add_label
-- One label of one issue.
INSERT INTO labels (issue_id, label) VALUES (:id, :label);

-- name: add_event
-- The event with which an issue's history begins.
INSERT INTO events (issue_id, event_type, actor, new_value, created_at)
VALUES (:id, 'created', :actor, :title, :now);

-- name: mark_for_export
-- Has the tracker write the issue into its export at the next chance.
INSERT INTO dirty_issues (issue_id, marked_at) VALUES (:id, :now);

-- name: set_prefix
-- What the ids of new issues begin with.
INSERT INTO config (key, value) VALUES ('issue_prefix', :prefix);

-- name: set_version
-- The version of bd that the shape is taken from, so that its doctor knows what there is to upgrade.
INSERT INTO metadata (key, value) VALUES ('bd_version', :version);
