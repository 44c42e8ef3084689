-- The record of applied migrations.

-- name: applied
-- Which migrations this database has seen.
SELECT
    version,
    name,
    sha256,
    applied_at
FROM schema_version
ORDER BY version;

-- name: record
-- A migration was applied.
INSERT INTO schema_version (version, name, sha256, applied_at)
VALUES (:version, :name, :sha256, :applied_at);

-- name: forget
-- A migration was taken back.
DELETE FROM schema_version
WHERE version = :version;
