-- Checkpoints: append-only, numbered within their execution; `add`, `archive` for those from elsewhere.

-- name: append
-- Append a checkpoint. No row is made when op_id was saved before; an execution that is not there, has
-- another owner, or does not have this phase (:listed is a pattern for it) breaks the NOT NULL of
-- execution_id. One row of VALUES, because the rows of a SELECT that reads the table it fills are gathered
-- in a temporary one first.
INSERT INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
VALUES (
    :op_id,
    (
        SELECT e.id FROM adw_executions AS e
        WHERE
            e.id = :execution_id
            AND (cast(:fence AS BIGINT) IS NULL OR e.fence = :fence)
            AND e.phases LIKE cast(:listed AS TEXT) ESCAPE '\'
    ),
    coalesce(
        (
            SELECT max(c.seq) FROM adw_checkpoints AS c
            WHERE c.execution_id = :execution_id
        ),
        0
    ) + 1,
    :phase,
    coalesce(
        :attempt,
        (
            SELECT max(a.attempt) FROM adw_phase_attempts AS a
            WHERE a.execution_id = :execution_id AND a.phase = :phase
        ),
        1
    ),
    :checkpoint_name,
    :checkpoint_data,
    :now
)
ON CONFLICT (op_id) DO NOTHING
RETURNING seq, attempt, created_at;

-- name: get_by_op_id
-- The checkpoint that a save made the first time.
SELECT * FROM adw_checkpoints
WHERE op_id = :op_id;

-- name: newest
-- The newest checkpoint of an execution.
SELECT * FROM adw_checkpoints
WHERE execution_id = :execution_id
ORDER BY seq DESC
LIMIT 1;

-- name: newest_matching
-- The newest checkpoint of an execution with this phase and this name, where given.
SELECT * FROM adw_checkpoints
WHERE
    execution_id = :execution_id
    AND (cast(:phase AS TEXT) IS NULL OR phase = :phase)
    AND (cast(:checkpoint_name AS TEXT) IS NULL OR checkpoint_name = :checkpoint_name)
ORDER BY seq DESC
LIMIT 1;

-- name: list
-- The checkpoints of an execution in order.
SELECT * FROM adw_checkpoints
WHERE execution_id = :execution_id
ORDER BY seq;

-- name: add
-- A checkpoint comes in, unless it is here already.
INSERT INTO adw_checkpoints (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at
)
VALUES (
    :op_id, :execution_id, :seq, :phase, :attempt, :checkpoint_name, :checkpoint_data, :created_at
)
ON CONFLICT (op_id) DO NOTHING;

-- name: archive
-- A checkpoint comes into the archive.
INSERT INTO adw_checkpoints_archive (
    op_id, execution_id, seq, phase, attempt, checkpoint_name, checkpoint_data, created_at,
    archived_at, archive_reason
)
VALUES (
    :op_id, :execution_id, :seq, :phase, :attempt, :checkpoint_name, :checkpoint_data, :created_at,
    :archived_at, :archive_reason
);
