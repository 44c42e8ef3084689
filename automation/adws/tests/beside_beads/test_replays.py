"""The statements by which trackers change their file, replayed beside our tables and beside naive ones."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from adw_state.clock import SettableClock, SystemClock
from adw_state.errors import ExecutionNotFoundError, NotMigratedError
from adw_state.state import BeadsStateManager
from adw_state.store.database import Database
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import (
    archived,
    complaints,
    everything,
    live,
    reconciliations,
    rows,
    run_on,
)
from adws.tests.processes import child


@pytest.fixture
def runs(beads_db: Path, clock: SettableClock) -> dict[str, str]:
    """One execution per issue, and bd's own views beside our tables."""
    with BeadsStateManager(beads_db, clock=clock) as state:
        found = {issue: run_on(state, issue).id for issue in replays.ids(beads_db)}
    with replays.tracker(beads_db) as connection:
        for statement in replays.MAKE_VIEWS:
            connection.execute(statement)
    return found


def opened(path: Path, clock: SettableClock) -> tuple[str, ...]:
    with BeadsStateManager(path, clock=clock) as state:
        return tuple(reconciliation.kind for reconciliation in state.reconciled)


def test_the_rebuilding_of_issues_and_dependencies_leaves_every_row_and_view_of_ours(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    before, placed = everything(beads_db), live(beads_db)
    for _ in range(3):  # bd 0.30.6 to 0.37 do it on every open
        replays.rebuild_issues(beads_db)
        replays.rebuild_dependencies(beads_db)
    assert (everything(beads_db), live(beads_db)) == (before, placed)
    assert complaints(beads_db) == []
    assert opened(beads_db, clock) == ()


def test_after_the_rebuilding_the_views_answer_as_before(beads_db: Path) -> None:
    # The views look at the engine's clock, so what they are to show happens at the machine's present time.
    clock = SettableClock(SystemClock().now() - timedelta(days=3))
    with BeadsStateManager(beads_db, clock=clock) as state:
        run_on(state, "demo-1")
        clock.advance(days=2, hours=12)
        state.update_execution_status(run_on(state, "demo-2").id, "failed")
        run_on(state, "demo-3")
    replays.rebuild_issues(beads_db)
    replays.rebuild_dependencies(beads_db)
    issues = {
        view: [issue for (issue,) in rows(beads_db, f"SELECT issue_id FROM {view}")]
        for view in ("recent_failures", "stale_checkpoints")
    }
    assert issues == {"recent_failures": ["demo-2"], "stale_checkpoints": ["demo-1"]}
    assert len(rows(beads_db, "SELECT * FROM success_rate_by_type")) == 3


def test_the_foreign_key_holds_on_to_the_rebuilt_table(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rebuild_issues(beads_db)
    replays.delete(beads_db, "demo-1")
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "deleted")}


NAIVE_OBJECTS = {
    "join": "CREATE VIEW naive AS SELECT e.id FROM adw_executions AS e JOIN issues AS i ON e.issue_id = i.id",
    "left join": "CREATE VIEW naive AS SELECT i.title FROM adw_executions AS e LEFT JOIN issues AS i"
    " ON e.issue_id = i.id",
    "subquery": "CREATE VIEW naive AS SELECT (SELECT i.title FROM issues AS i WHERE i.id = e.issue_id)"
    " AS title FROM adw_executions AS e",
    "common table": "CREATE VIEW naive AS WITH t AS (SELECT id FROM issues) SELECT id FROM t",
    "qualified name": "CREATE VIEW naive AS SELECT id FROM main.issues",
    "trigger": "CREATE TRIGGER naive AFTER INSERT ON adw_executions BEGIN"
    " UPDATE issues SET status = 'in_progress' WHERE id = new.issue_id; END",
}


@pytest.mark.parametrize("kind", NAIVE_OBJECTS)
def test_a_stored_object_that_names_issues_stops_their_rebuilding(
    kind: str, beads_db: Path, runs: dict[str, str]
) -> None:
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.execute(NAIVE_OBJECTS[kind])
    with pytest.raises(sqlite3.OperationalError, match=r"error in (view|trigger) naive: no such table"):
        replays.rebuild_issues(beads_db)


@pytest.mark.parametrize("table", ["dependencies", "ready_issues", "blocked_issues"])
def test_a_view_that_names_dependencies_or_the_trackers_views_stops_the_rebuilding_of_dependencies(
    table: str, beads_db: Path, runs: dict[str, str]
) -> None:
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.execute(f"CREATE VIEW naive AS SELECT * FROM {table}")
    with pytest.raises(sqlite3.OperationalError, match="error in view naive: no such table"):
        replays.rebuild_dependencies(beads_db)


def without_double_quoted_strings(path: Path) -> str:
    """What SQLite says when issues are rebuilt where double quotes never mean a string, as in bd."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        statements = replays.rebuilding_issues(connection)
        configure = getattr(connection, "setconfig", None)  # of Python 3.12
        if configure is None:
            return _by_the_shell(path, statements)
        configure(sqlite3.SQLITE_DBCONFIG_DQS_DDL, False)  # type: ignore[attr-defined, unused-ignore]
        configure(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)  # type: ignore[attr-defined, unused-ignore]
        try:
            for statement in statements:
                connection.execute(statement)
        except sqlite3.OperationalError as error:
            return str(error)
    return ""


def _by_the_shell(path: Path, statements: list[str]) -> str:
    settings = [".dbconfig dqs_ddl off", ".dbconfig dqs_dml off", ".dbconfig trusted_schema off"]
    script = [*settings, *(f"{statement};" for statement in statements)]
    if not shutil.which("sqlite3"):
        pytest.skip("needs the sqlite3 shell, or Python 3.12, to switch double-quoted strings off")
    done = subprocess.run(["sqlite3", "-bail", path], input="\n".join(script), capture_output=True, text=True)
    if [line.split() for line in done.stdout.splitlines()[:1]] != [["dqs_ddl", "off"]]:
        pytest.skip("this sqlite3 shell cannot switch double-quoted strings off")
    return done.stderr


def test_our_stored_objects_need_no_double_quoted_strings(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    assert without_double_quoted_strings(beads_db) == ""
    assert everything(beads_db) == before
    assert opened(beads_db, clock) == ()


def test_a_double_quoted_string_in_a_view_stops_the_rebuilding(beads_db: Path, runs: dict[str, str]) -> None:
    with closing(sqlite3.connect(beads_db)) as connection:
        connection.execute('CREATE VIEW naive AS SELECT id FROM adw_executions WHERE status = "failed"')
    assert re.search(
        r'error in view naive.*no such column: "?failed', without_double_quoted_strings(beads_db)
    )


def test_the_archive_catches_what_a_cascade_takes_in_the_trackers_own_settings(
    beads_db: Path, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    with closing(sqlite3.connect(beads_db, isolation_level=None)) as connection:
        for setting in ("foreign_keys = ON", "trusted_schema = OFF", "recursive_triggers = OFF"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("DELETE FROM issues WHERE id IN ('demo-1', 'demo-2')")
        connection.execute(
            "INSERT OR REPLACE INTO issues (id, title, created_at) VALUES ('demo-3', 'Tidy', '2026-01-01')"
        )
    assert {issue for issue, _ in archived(beads_db).values()} == {"demo-1", "demo-2", "demo-3"}
    assert everything(beads_db) == before


def test_a_merge_that_replaces_every_issue_takes_nothing(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    for issue in runs:
        replays.replace(beads_db, issue, f"{issue} as merged")
    assert live(beads_db) == {}
    opened(beads_db, clock)
    assert live(beads_db) == {run: issue for issue, run in runs.items()}
    assert everything(beads_db) == before


def test_a_replace_that_also_takes_another_issue_with_the_same_reference_keeps_its_history(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    with replays.tracker(beads_db) as connection:
        connection.execute("CREATE UNIQUE INDEX idx_issues_external_ref ON issues (external_ref)")
    replays.replace(beads_db, "demo-2", "Export", external_ref="gh-7")
    replays.replace(beads_db, "demo-1", "Login", external_ref="gh-7")
    assert "demo-2" not in replays.ids(beads_db)
    opened(beads_db, clock)
    assert archived(beads_db) == {runs["demo-2"]: ("demo-2", "deleted")}
    assert live(beads_db)[runs["demo-1"]] == "demo-1"


def test_a_rename_bricks_bd_in_multi_repo_mode_only_until_we_have_opened_the_file(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename_prefix(beads_db, "demo-", "new-")
    assert len(complaints(beads_db)) == 5  # this is what bd refuses to open the file for
    opened(beads_db, clock)
    assert complaints(beads_db) == []


def test_after_our_last_close_a_removed_log_takes_nothing_with_it(
    beads_db: Path, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    for suffix in ("-wal", "-shm"):  # as bd migrate does before it opens the file
        beads_db.with_name(beads_db.name + suffix).unlink(missing_ok=True)
    assert everything(beads_db) == before


_A_TRACKER_WITHOUT_THE_LOG = """
import os, sqlite3, sys
for suffix in ("-wal", "-shm"):
    os.unlink(sys.argv[1] + suffix)
connection = sqlite3.connect(sys.argv[1])
with connection:
    connection.executemany(
        "INSERT INTO issues (id, title, description) VALUES (?, 'Made by bd', ?)",
        [(f"bd-{number}", "x" * 400) for number in range(200)],
    )
connection.close()
"""


def remove_log_and_go_on(path: Path) -> None:
    """What `bd migrate` does: it deletes the log before it opens the file, in a process of its own."""
    subprocess.run([sys.executable, "-c", _A_TRACKER_WITHOUT_THE_LOG, str(path)], check=True)


@pytest.mark.parametrize("writes_on", [True, False])
def test_a_log_removed_under_an_open_manager_costs_the_tracker_nothing(
    writes_on: bool, beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-1")
        remove_log_and_go_on(beads_db)
        if writes_on:
            # What lay in the log alone is gone, and we say so instead of writing on for nobody.
            with pytest.raises(ExecutionNotFoundError):
                state.save_checkpoint(run.id, "plan", "later", {})
            run_on(state, "bd-7")
    assert len(replays.ids(beads_db)) == 205
    assert len(live(beads_db)) == int(writes_on)
    assert complaints(beads_db) == []


def test_what_a_killed_run_wrote_up_to_its_last_sign_of_life_outlives_the_log(beads_db: Path) -> None:
    def work(here: Callable[[], None]) -> None:
        with BeadsStateManager(beads_db) as state:
            run = state.create_execution("demo-1", adw_id="run", owner="me")
            state.save_checkpoint(run.id, "plan", "before", {})
            state.beat(run.id, 1)
            state.save_checkpoint(run.id, "plan", "after", {})
            here()

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
    remove_log_and_go_on(beads_db)
    with BeadsStateManager(beads_db) as state:
        assert [saved.checkpoint_name for saved in state.list_checkpoints("run")] == ["before"]
    assert len(replays.ids(beads_db)) == 205


def test_a_removed_log_does_not_get_into_the_file_by_a_sign_of_life(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = state.create_execution("demo-1", owner="me")
        state.beat(run.id, 1)
        for _ in range(3):
            state.save_checkpoint(run.id, "plan", "lost", "x" * 4000)
        remove_log_and_go_on(beads_db)
        state.beat(run.id, 1)
        assert state.list_checkpoints(run.id) == []
    assert len(replays.ids(beads_db)) == 205
    assert complaints(beads_db) == []


def test_a_log_removed_under_a_database_that_was_only_written_costs_the_tracker_nothing(
    beads_db: Path,
) -> None:
    with closing(Database(beads_db)) as database:
        request = "INSERT INTO adw_archive_requests VALUES ('some-run', '2026-11-23', 'deleted')"
        database.write(lambda tx: tx.execute(request))
        remove_log_and_go_on(beads_db)
    assert len(replays.ids(beads_db)) == 205
    assert complaints(beads_db) == []


def test_a_log_removed_before_a_fork_costs_the_tracker_nothing(beads_db: Path, clock: SettableClock) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run_on(state, "demo-1")
        remove_log_and_go_on(beads_db)
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    assert len(replays.ids(beads_db)) == 205
    assert complaints(beads_db) == []


def test_a_file_that_was_rebuilt_under_an_open_manager_is_noticed_and_named(
    beads_db: Path, tracker_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-1")
        tracker_db.replace(beads_db)  # as bd doctor --fix does, from the issue export
        with pytest.raises(NotMigratedError, match="holds no executions yet"):
            state.save_checkpoint(run.id, "plan", "later", {})


def test_a_file_that_was_put_back_under_an_open_manager_is_reconciled_like_at_any_opening(
    beads_db: Path, clock: SettableClock, runs: dict[str, str], tmp_path: Path
) -> None:
    older = Path(shutil.copyfile(beads_db, tmp_path / "older.db"))
    with BeadsStateManager(beads_db, clock=clock) as state:
        replays.rename(older, "demo-1", "demo-a")
        older.replace(beads_db)
        found = state.get_execution(runs["demo-1"])
        assert found is not None
        assert found.issue_id == "demo-a"
    assert reconciliations(beads_db) == [("renamed", "demo-1", "demo-a", 1)]
