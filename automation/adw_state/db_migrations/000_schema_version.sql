-- The record of which migrations this database has seen.
--
-- One row per applied file: its number, its name, the SHA-256 of its bytes (an applied file that
-- was edited afterwards is refused) and when it was applied (UTC, our clock). The runner writes the
-- row in the transaction of the migration itself.
--
-- The name `schema_version` is generic and the file may belong to a tracker, so the runner creates
-- this table only where no table of that name exists, and uses one only if it has these columns.

-- migrate:up
CREATE TABLE schema_version (
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL CHECK (applied_at LIKE '____-__-__T__:__:__.______Z'),
    PRIMARY KEY (version)
);

-- migrate:down
DROP TABLE schema_version;
