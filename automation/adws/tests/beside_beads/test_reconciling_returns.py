"""Archived executions come back when their issue lives, and only then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
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

LONG_AFTER = "2099-01-01T00:00:00.000000Z"


def opened(path: Path, clock: SettableClock) -> tuple[str, ...]:
    """What opening the database reconciled, by kind."""
    with BeadsStateManager(path, clock=clock) as state:
        return tuple(reconciliation.kind for reconciliation in state.reconciled)


@pytest.fixture
def run(beads_db: Path, clock: SettableClock) -> str:
    """One execution, of demo-1, called "Login fails on Safari"."""
    with BeadsStateManager(beads_db, clock=clock) as state:
        return run_on(state, "demo-1").id


def test_a_replacing_import_takes_nothing_from_an_issue(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    before = everything(beads_db)
    replays.replace(beads_db, "demo-1", "Login fails on Safari and Firefox")
    assert live(beads_db) == {}
    assert opened(beads_db, clock) == ("restored",)
    assert live(beads_db) == {run: "demo-1"}
    assert archived(beads_db) == {}
    assert everything(beads_db) == before
    assert reconciliations(beads_db) == [("restored", None, "demo-1", 1)]
    assert rows(beads_db, "SELECT count(*) FROM adw_phase_attempts") == [(1,)]
    assert rows(beads_db, "SELECT count(*) FROM adw_checkpoints") == [(2,)]
    assert opened(beads_db, clock) == ()


def test_a_deleted_issue_keeps_its_history_in_the_archive_until_it_is_imported_again(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    before = everything(beads_db)
    replays.delete(beads_db, "demo-1")
    assert opened(beads_db, clock) == ()
    assert archived(beads_db) == {run: ("demo-1", "deleted")}
    replays.create(beads_db, "demo-1", "Login fails on Safari")
    assert opened(beads_db, clock) == ("restored",)
    assert live(beads_db) == {run: "demo-1"}
    assert everything(beads_db) == before


def test_another_issue_that_is_given_the_id_of_a_deleted_one_gets_none_of_its_history(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.delete(beads_db, "demo-1")
    replays.create(beads_db, "demo-1", "Something else entirely", born=LONG_AFTER)
    assert opened(beads_db, clock) == ("id_reused",)
    assert archived(beads_db) == {run: ("demo-1", "id_reused")}
    assert opened(beads_db, clock) == ()
    with BeadsStateManager(beads_db, clock=clock) as state:
        assert run_on(state, "demo-1").issue_title == "Something else entirely"
    replays.rename(beads_db, "demo-1", "demo-a")
    opened(beads_db, clock)
    assert archived(beads_db) == {run: ("demo-1", "id_reused")}


def test_another_issue_made_under_an_id_that_was_deleted_with_foreign_keys_off_gets_no_history(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    replays.create(beads_db, "demo-1", "Something else entirely", born=LONG_AFTER)
    assert complaints(beads_db) == []  # for SQLite all is well
    assert opened(beads_db, clock) == ("id_reused",)
    assert archived(beads_db) == {run: ("demo-1", "id_reused")}
    assert reconciliations(beads_db) == [("id_reused", "demo-1", None, 1)]


def test_an_issue_that_was_called_otherwise_since_keeps_its_history(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    with replays.tracker(beads_db) as connection:
        connection.execute("UPDATE issues SET title = 'Login fails everywhere' WHERE id = 'demo-1'")
        replays.add_event(connection, "demo-1", "created", "somebody")
    assert opened(beads_db, clock) == ()
    assert live(beads_db) == {run: "demo-1"}


def test_a_tombstone_is_still_an_issue(beads_db: Path, clock: SettableClock, run: str) -> None:
    replays.tombstone(beads_db, "demo-1")
    assert opened(beads_db, clock) == ()
    assert live(beads_db) == {run: "demo-1"}


def test_retired_executions_stay_retired(beads_db: Path, clock: SettableClock, run: str) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        state.update_execution_status(run, "in_progress")
        state.update_execution_status(run, "failed", error_message="no")
        clock.advance(days=91)
        state.archive_old_executions(90)
    replays.replace(beads_db, "demo-1", "Login fails")
    assert opened(beads_db, clock) == ()
    assert archived(beads_db) == {run: ("demo-1", "retention")}


def test_rows_whose_issue_is_gone_are_archived_with_our_time_and_come_back_with_it(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    before = everything(beads_db)
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    clock.advance(hours=2)
    assert opened(beads_db, clock) == ("orphaned",)
    assert complaints(beads_db) == []
    moments = "SELECT DISTINCT archived_at, archive_reason FROM {}_archive"
    for table in ("adw_executions", "adw_phase_attempts", "adw_checkpoints"):
        assert rows(beads_db, moments.format(table)) == [("2001-11-23T14:00:00.000000Z", "orphaned")]
    replays.create(beads_db, "demo-1", "Login fails on Safari")
    assert opened(beads_db, clock) == ("restored",)
    assert everything(beads_db) == before


def test_a_running_workflow_gets_its_execution_back_at_its_next_write(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-1", claim=True)
        replays.replace(beads_db, "demo-1", "Login fails on Safari")
        saved = state.save_checkpoint(run.id, "build", "built", {"n": 1}, fence=run.fence)
        assert saved.seq == 3
        assert [checkpoint.seq for checkpoint in state.list_checkpoints(run.id)] == [1, 2, 3]
        found = state.get_execution(run.id)
        assert found is not None
        assert (found.claimed, found.owner, found.fence) == (True, run.owner, run.fence)


def test_a_restored_execution_gives_way_to_the_one_that_holds_the_issue_by_now(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        first = run_on(state, "demo-1", claim=True)
        replays.replace(beads_db, "demo-1", "Login fails on Safari")
        second = run_on(state, "demo-1", claim=True)  # the first is in the archive at this moment
    with BeadsStateManager(beads_db, clock=clock) as state:
        held = {run.id: (run.status, run.claimed) for run in state.list_executions()}
    assert held == {first.id: ("in_progress", False), second.id: ("in_progress", True)}


def test_an_execution_that_lives_already_is_not_overwritten_by_its_archived_copy(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.delete(beads_db, "demo-1")
    with BeadsStateManager(beads_db, clock=clock) as state:
        state.create_execution("demo-2", adw_id=run, branch_name="mine")
    replays.create(beads_db, "demo-1", "Login fails on Safari")
    assert opened(beads_db, clock) == ("superseded",)
    assert live(beads_db) == {run: "demo-2"}
    assert archived(beads_db) == {run: ("demo-1", "superseded")}
    assert opened(beads_db, clock) == ()


def test_of_two_archived_copies_the_newer_comes_back(beads_db: Path, clock: SettableClock, run: str) -> None:
    replays.delete(beads_db, "demo-1")
    with closing(sqlite3.connect(beads_db)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(adw_executions_archive)")]
        chosen = ", ".join("'newer'" if name == "branch_name" else name for name in columns)
        connection.execute(f"INSERT INTO adw_executions_archive SELECT {chosen} FROM adw_executions_archive")
    replays.create(beads_db, "demo-1", "Login fails on Safari")
    assert opened(beads_db, clock) == ("restored", "superseded")
    assert rows(beads_db, "SELECT branch_name FROM adw_executions") == [("newer",)]
    assert archived(beads_db) == {run: ("demo-1", "superseded")}
    assert rows(beads_db, "SELECT count(*) FROM adw_checkpoints") == [(2,)]


@pytest.mark.parametrize(
    "harm",
    ["status = 'dreaming'", "started_at = 'yesterday'", "id = NULL", "id = x'00ff'", "workflow = NULL"],
)
def test_an_archived_row_that_somebody_spoiled_stays_there_and_stops_nobody(
    harm: str, beads_db: Path, clock: SettableClock, run: str
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        sound = run_on(state, "demo-1").id
    replays.delete(beads_db, "demo-1")
    with closing(sqlite3.connect(beads_db)) as connection, connection:
        connection.execute(f"UPDATE adw_executions_archive SET {harm} WHERE id = ?", (run,))
    replays.create(beads_db, "demo-1", "Login fails on Safari")
    assert sorted(opened(beads_db, clock)) == ["restored", "unrestorable"]
    assert list(live(beads_db)) == [sound]
    assert rows(beads_db, "SELECT archive_reason FROM adw_executions_archive") == [("unrestorable",)]
    assert opened(beads_db, clock) == ()
    assert complaints(beads_db) == []


def test_attempts_and_checkpoints_that_outlived_their_execution_are_archived(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    before = everything(beads_db)
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        connection.execute("DELETE FROM adw_executions")  # as by hand, with the sqlite3 shell
    assert len(complaints(beads_db)) == 3
    opened(beads_db, clock)
    assert complaints(beads_db) == []
    assert everything(beads_db) == before


def test_an_import_that_gives_an_issue_a_new_id_moves_its_executions(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    before = everything(beads_db)
    replays.import_under_new_id(beads_db, "demo-1", "demo-new")
    assert opened(beads_db, clock) == ("reidentified", "restored")
    assert live(beads_db) == {run: "demo-new"}
    assert everything(beads_db) == before
    assert reconciliations(beads_db)[0] == ("reidentified", "demo-1", "demo-new", 1)
    assert opened(beads_db, clock) == ()


@pytest.mark.parametrize(
    ("born", "actor"), [(LONG_AFTER, "import-rename"), ("2001-11-23T11:00:00Z", "import")]
)
def test_an_issue_made_anew_is_known_by_who_made_it_or_by_its_age(
    born: str, actor: str, beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.delete(beads_db, "demo-1")
    replays.create(beads_db, "demo-z", "Login fails on Safari", born=born, issue_type="bug", actor=actor)
    opened(beads_db, clock)
    assert live(beads_db) == {run: "demo-z"}


def test_an_issue_made_anew_long_after_the_deletion_is_another_one(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.import_under_new_id(beads_db, "demo-1", "demo-z")
    with replays.tracker(beads_db) as connection:
        connection.execute("UPDATE events SET created_at = datetime(created_at, '+2 minutes')")
    assert opened(beads_db, clock) == ()
    assert archived(beads_db) == {run: ("demo-1", "deleted")}


def test_a_renamed_issue_that_an_import_then_makes_anew_moves_its_executions_too(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.import_under_new_id(beads_db, "demo-a", "demo-new")
    assert opened(beads_db, clock) == ("orphaned", "reidentified", "restored")
    assert live(beads_db) == {run: "demo-new"}


def test_of_two_issues_that_look_alike_neither_is_guessed(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.create(beads_db, "demo-8", "Login fails on Safari", issue_type="bug")
    with BeadsStateManager(beads_db, clock=clock) as state:
        other = run_on(state, "demo-8").id
    replays.import_under_new_id(beads_db, "demo-1", "demo-x")
    replays.import_under_new_id(beads_db, "demo-8", "demo-y")
    assert opened(beads_db, clock) == ()
    assert live(beads_db) == {}
    assert archived(beads_db) == {run: ("demo-1", "deleted"), other: ("demo-8", "deleted")}


@pytest.mark.parametrize(
    ("title", "kind", "born", "actor"),
    [
        ("Login fails on Chrome", "bug", replays.BORN, "import-rename"),  # another title
        ("Login fails on Safari", "task", replays.BORN, "import-rename"),  # another type
        ("Login fails on Safari", "bug", LONG_AFTER, "import"),  # younger than the run
        ("Login fails on Safari", "bug", LONG_AFTER, "somebody"),  # made anew by hand
        ("Login fails on Safari", "bug", "when the moon rose", "import"),  # nobody knows
    ],
)
def test_an_issue_that_only_resembles_a_deleted_one_gets_none_of_its_history(
    title: str, kind: str, born: str, actor: str, beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.delete(beads_db, "demo-1")
    replays.create(beads_db, "demo-z", title, born=born, issue_type=kind, actor=actor)
    assert opened(beads_db, clock) == ()
    assert archived(beads_db) == {run: ("demo-1", "deleted")}


def test_an_issue_that_lived_beside_the_deleted_one_gets_none_of_its_history(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    replays.create(beads_db, "demo-z", "Login fails on Safari", issue_type="bug")
    with replays.tracker(beads_db) as connection:
        connection.execute("UPDATE events SET created_at = '2001-11-23 12:00:00' WHERE issue_id = 'demo-z'")
    replays.delete(beads_db, "demo-1")
    assert opened(beads_db, clock) == ()
    assert archived(beads_db) == {run: ("demo-1", "deleted")}


def test_an_execution_whose_issue_is_no_text_is_an_orphan_like_any_other(
    beads_db: Path, clock: SettableClock, run: str
) -> None:
    with closing(sqlite3.connect(beads_db)) as connection, connection:
        connection.execute("UPDATE adw_executions SET issue_id = x'00ff'")
        replays.add_event(connection, "demo-1", "renamed", "somebody", "demo-1", "demo-1")
        connection.execute(
            "INSERT INTO events (issue_id, event_type, actor, old_value, new_value)"
            " VALUES ('demo-1', 'renamed', 'somebody', x'00', x'ff')"
        )
    assert opened(beads_db, clock) == ("orphaned",)
    assert reconciliations(beads_db) == [("orphaned", "b'\\x00\\xff'", None, 1)]
    assert complaints(beads_db) == []
