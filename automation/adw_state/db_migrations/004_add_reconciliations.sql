-- What keeps executions with their issues when the tracker renames, deletes or re-makes those.
--
-- adw_reconciliations says what was reconciled, when and why; a row is written for each and never changed.
-- adw_reconcile_state is one row: up to which of the tracker's events renames were followed, and
-- what the tables looked like when every row was last looked at, so that opening a healthy database
-- costs a few look-ups. The tables are made in every home; where our tables lie in our own file they
-- stay empty, because there is no tracker beside them that could take an issue away.

-- migrate:up

-- kind: 'renamed' (the issue got another id), 'reidentified' (the tracker deleted the issue and made it
-- anew under another id), 'restored' (archived rows came back with their issue), 'orphaned' (rows
-- without an issue went to the archive), 'id_reused' (rows of a deleted issue whose id another issue
-- bears now), 'superseded' and 'unrestorable' (archived rows that cannot come back, and why),
-- 'events_rebuilt' (the tracker's events began anew). `executions` counts the executions concerned.
CREATE TABLE adw_reconciliations (
    seq BIGINT NOT NULL CHECK (seq >= 1),
    reconciled_at TEXT NOT NULL CHECK (reconciled_at LIKE '____-__-__T__:__:__.______Z'),
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    old_issue_id TEXT,
    new_issue_id TEXT,
    executions BIGINT NOT NULL CHECK (executions >= 0),
    detail TEXT NOT NULL,
    PRIMARY KEY (seq)
);

-- event_watermark: the tracker's newest event when renames were last followed. Every execution was
-- made when this was the newest event, so each rename after it happened to issues that had their rows.
-- seen_issues, seen_issue_row, seen_archive_row: how many issues there were, and the highest row
-- numbers of the issues and of our archive, when every row was last looked at, which was at looked_at.
CREATE TABLE adw_reconcile_state (
    id BIGINT NOT NULL CHECK (id = 1),
    event_watermark BIGINT NOT NULL,
    seen_issues BIGINT NOT NULL,
    seen_issue_row BIGINT NOT NULL,
    seen_archive_row BIGINT NOT NULL,
    looked_at TEXT NOT NULL CHECK (looked_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (id)
);

-- Archived executions that come back when their issue does.
CREATE INDEX idx_adw_executions_archive_restorable ON adw_executions_archive (issue_id)
WHERE archive_reason IN ('deleted', 'orphaned');

-- migrate:down
DROP INDEX idx_adw_executions_archive_restorable;
DROP TABLE adw_reconcile_state;
DROP TABLE adw_reconciliations;
