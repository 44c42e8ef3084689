-- Filling a new, beads-shaped database (db_shapes/beads.sql).

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
