"""Looking at a file must not cost this process its locks on it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import read_issue
from adws.tests.beside_beads.trackers import classic

_TRY_TO_WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("began")
except sqlite3.OperationalError as error:
    print(error.sqlite_errorname)
"""


def another_process_tries_to_write(database: Path) -> str:
    command = [sys.executable, "-c", _TRY_TO_WRITE, str(database)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_write_in_progress_stays_locked_while_the_database_is_looked_for(tmp_path: Path) -> None:
    database = classic(tmp_path / ".beads" / "beads.db")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN IMMEDIATE")
        location = locate(cwd=tmp_path, environ={})
        read_issue(location, "tk-1")
        assert another_process_tries_to_write(database) == "SQLITE_BUSY"
        connection.execute("COMMIT")
    assert another_process_tries_to_write(database) == "began"
