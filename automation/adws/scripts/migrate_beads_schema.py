"""Apply, show or take back the migrations of our tables in a beads database.

    uv run python adws/scripts/migrate_beads_schema.py --apply
    uv run python adws/scripts/migrate_beads_schema.py --status
    uv run python adws/scripts/migrate_beads_schema.py --rollback --version 001
    uv run python adws/scripts/migrate_beads_schema.py --apply --db .beads/beads.db --json

Recovery by hand, should a migration ever leave you stuck:

1. Stop whatever uses the database: agents, `adw run`, and the tracker's daemon (`bd daemon --stop`).
2. See which backups there are: `--status` lists them; every run prints the one it made. They are
   complete SQLite files, with what was only in the write-ahead log included.
3. Look before you copy: `sqlite3 BACKUP 'PRAGMA integrity_check; SELECT count(*) FROM issues;'`
4. Keep the present file: `mv .beads/beads.db beads.db.broken`, and with it, if they exist,
   `.beads/beads.db-wal` and `.beads/beads.db-shm` (a log without its database must not stay).
5. Put the backup in place: `cp BACKUP .beads/beads.db && chmod 600 .beads/beads.db`
6. Check: `--status`, then `bd list`.

If only our tables are in the way, the tracker's data needs no restoring: `--rollback --version 000`
takes all of our tables out again, after one more backup, and leaves the tracker's alone.
"""

from __future__ import annotations

import sys

from adw_state.cli import run_command
from adw_state.commands.migrate import migrate_by_flags

if __name__ == "__main__":
    run_command(migrate_by_flags, sys.argv[0])
