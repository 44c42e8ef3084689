"""Executions follow their issues when the tracker changes the issues' ids behind our back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock, parse_time
from adw_state.shared_file import needs_reconciling, reconcile
from adw_state.shared_file.reconciliations import list_reconciliations
from adw_state.shared_file.renames import Renamed, follow
from adw_state.state import BeadsStateManager
from adw_state.store.database import Database
from adw_state.store.records import Execution
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import archived, complaints, everything, live, reconciliations, run_on


def opened(path: Path, clock: SettableClock) -> tuple[str, ...]:
    """What opening the database reconciled, by kind."""
    with BeadsStateManager(path, clock=clock) as state:
        assert not state.reconciliation_pending
        return tuple(reconciliation.kind for reconciliation in state.reconciled)


@pytest.fixture
def runs(beads_db: Path, clock: SettableClock) -> dict[str, str]:
    """One execution per issue: the issue's id at the start, and the execution's."""
    with BeadsStateManager(beads_db, clock=clock) as state:
        return {issue: run_on(state, issue).id for issue in replays.ids(beads_db)}


@pytest.mark.parametrize(
    ("renames", "moves", "gone"),
    [
        ([], {}, set()),
        ([("a", "b")], {"a": "b"}, {"b"}),  # if we knew a b, it was deleted before
        ([("a", "b"), ("b", "c")], {"a": "c"}, {"b", "c"}),
        ([("a", "b"), ("b", "a")], {}, {"b"}),
        ([("a", "t"), ("b", "a"), ("t", "b")], {"a": "b", "b": "a"}, {"t"}),
        ([("a", "b"), ("b", "c"), ("d", "b")], {"a": "c", "d": "b"}, {"b", "c"}),
        ([("a", "b"), ("a", "c")], {"a": "b"}, {"b", "c"}),  # the second a was made in between
        ([("a", "b"), ("a", "c"), ("c", "a")], {"a": "b"}, {"b", "c"}),
        ([("a", "b"), ("c", "b")], {"c": "b"}, {"a", "b"}),  # the first b was deleted in between
        ([("a", "a")], {}, set()),
    ],
)
def test_renames_are_followed_per_issue_and_not_per_id(
    renames: list[tuple[str, str]], moves: dict[str, str], gone: set[str]
) -> None:
    assert follow(renames) == Renamed(moves, frozenset(gone))


def test_a_renamed_issue_keeps_its_executions_and_the_renaming_is_written_down(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    replays.rename(beads_db, "demo-1", "demo-login")
    assert complaints(beads_db) == [("adw_executions", 1, "issues", 0)]
    clock.advance(hours=1)
    assert opened(beads_db, clock) == ("renamed",)
    assert live(beads_db)[runs["demo-1"]] == "demo-login"
    assert everything(beads_db) == before
    assert complaints(beads_db) == []
    with closing(Database(beads_db)) as database:
        [reconciliation] = list_reconciliations(database)
    assert (reconciliation.old_issue_id, reconciliation.new_issue_id) == ("demo-1", "demo-login")
    assert (reconciliation.seq, reconciliation.executions) == (1, 1)
    assert reconciliation.reconciled_at == parse_time("2001-11-23T13:00:00.000000Z")
    assert reconciliation.detail == (
        "the tracker renamed demo-1 to demo-login; 1 execution moved along, 0 of them archived"
    )


def test_a_second_opening_finds_nothing_to_reconcile(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename_prefix(beads_db, "demo-", "new-")
    assert opened(beads_db, clock) == ("renamed",) * len(runs)
    assert opened(beads_db, clock) == ()


def test_a_chain_of_renames_is_followed_to_its_end(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.rename(beads_db, "demo-a", "demo-b")
    replays.rename(beads_db, "demo-b", "demo-c")
    opened(beads_db, clock)
    assert live(beads_db)[runs["demo-1"]] == "demo-c"
    assert reconciliations(beads_db) == [("renamed", "demo-1", "demo-c", 1)]


def test_an_issue_that_got_its_old_id_back_needs_no_reconciliation(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.rename(beads_db, "demo-a", "demo-1")
    assert opened(beads_db, clock) == ()
    assert live(beads_db)[runs["demo-1"]] == "demo-1"


def test_two_issues_that_change_ids_change_their_executions_too(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.swap(beads_db, "demo-1", "demo-2")
    assert complaints(beads_db) == []  # every id exists, and yet every row is wrong
    opened(beads_db, clock)
    assert live(beads_db)[runs["demo-1"]] == "demo-2"
    assert live(beads_db)[runs["demo-2"]] == "demo-1"


def test_executions_that_hold_their_issues_hold_them_after_a_swap(
    beads_db: Path, clock: SettableClock
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        first = run_on(state, "demo-1", claim=True)
        second = run_on(state, "demo-2", claim=True)
        replays.swap(beads_db, "demo-1", "demo-2")
    with BeadsStateManager(beads_db, clock=clock) as state:
        held = {run.id: (run.issue_id, run.claimed) for run in state.list_executions()}
    assert held == {first.id: ("demo-2", True), second.id: ("demo-1", True)}


def test_renumbering_gives_ids_to_other_issues_and_no_execution_changes_its_issue(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    before = everything(beads_db)
    replays.delete(beads_db, "demo-1")
    new = replays.renumber(beads_db, "demo")
    assert new == {"demo-2": "demo-1", "demo-3": "demo-2", "demo-4": "demo-3", "demo-5": "demo-4"}
    opened(beads_db, clock)
    assert live(beads_db) == {runs[old]: issue for old, issue in new.items()}
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "id_reused")}
    assert ("id_reused", "demo-1", None, 1) in reconciliations(beads_db)
    assert everything(beads_db) == before
    assert complaints(beads_db) == []
    assert opened(beads_db, clock) == ()


def test_rows_of_an_issue_deleted_with_foreign_keys_off_do_not_pass_to_the_next_issue_with_its_id(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    replays.rename(beads_db, "demo-2", "demo-1")
    opened(beads_db, clock)
    assert live(beads_db)[runs["demo-2"]] == "demo-1"
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "id_reused")}


def test_an_issue_made_after_the_opening_under_a_vacated_id_keeps_its_own_name(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-old")
    replays.create(beads_db, "demo-1", "Another task")
    replays.rename(beads_db, "demo-1", "demo-other")
    opened(beads_db, clock)
    assert live(beads_db)[runs["demo-1"]] == "demo-old"


Begin = Callable[[BeadsStateManager, str], Execution]

# With a first checkpoint an execution is begun by a unit of work; without, by one statement if it can be.
BEGUN = pytest.mark.parametrize(
    "begin", [run_on, BeadsStateManager.create_execution], ids=["unit", "at_once"]
)


@BEGUN
def test_an_execution_begun_after_a_rename_stays_with_the_issue_that_has_the_id_now(
    beads_db: Path, clock: SettableClock, runs: dict[str, str], begin: Begin
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:  # opened before the tracker's changes
        replays.rename(beads_db, "demo-1", "demo-old")
        replays.rename(beads_db, "demo-2", "demo-1")
        later = begin(state, "demo-1")
    assert opened(beads_db, clock) == ()  # reconciled before the execution was made
    assert live(beads_db)[later.id] == "demo-1"
    assert live(beads_db)[runs["demo-1"]] == "demo-old"
    assert live(beads_db)[runs["demo-2"]] == "demo-1"


@BEGUN
def test_executions_begun_one_after_the_other_each_see_the_renames_between_them(
    beads_db: Path, clock: SettableClock, begin: Begin
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        first = begin(state, "demo-1")
        replays.rename(beads_db, "demo-1", "demo-a")
        second = begin(state, "demo-a")
        replays.rename(beads_db, "demo-a", "demo-b")
        replays.rename(beads_db, "demo-2", "demo-a")
        third = begin(state, "demo-a")
    opened(beads_db, clock)
    assert live(beads_db) == {first.id: "demo-b", second.id: "demo-b", third.id: "demo-a"}


@BEGUN
def test_a_refused_execution_takes_no_reconciling_for_done(
    beads_db: Path, clock: SettableClock, begin: Begin
) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = begin(state, "demo-1")
        replays.rename(beads_db, "demo-1", "demo-a")
        with pytest.raises(Exception, match="no issue 'demo-1'"):
            begin(state, "demo-1")  # rolled back, and the following of the rename with it
        later = begin(state, "demo-a")
    assert live(beads_db) == {run.id: "demo-a", later.id: "demo-a"}


def test_archived_executions_are_renamed_with_their_issue(beads_db: Path, clock: SettableClock) -> None:
    with BeadsStateManager(beads_db, clock=clock) as state:
        run = run_on(state, "demo-1")
        state.update_execution_status(run.id, "completed")
        clock.advance(days=100)
        assert state.archive_old_executions(90) == 1
    replays.rename(beads_db, "demo-1", "demo-a")
    opened(beads_db, clock)
    assert archived(beads_db) == {run.id: ("demo-a", "retention")}
    assert live(beads_db) == {}


def test_a_renamed_and_then_deleted_issue_leaves_its_executions_in_the_archive(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.delete(beads_db, "demo-a")  # takes its renamed event away too
    opened(beads_db, clock)
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "orphaned")}
    assert complaints(beads_db) == []


def test_a_renamed_issue_deleted_without_its_events_is_archived_under_its_last_id(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        connection.execute("DELETE FROM issues WHERE id = 'demo-a'")
    opened(beads_db, clock)
    assert archived(beads_db) == {runs["demo-1"]: ("demo-a", "orphaned")}
    assert ("orphaned", "demo-1", "demo-a", 1) in reconciliations(beads_db)


def test_events_that_are_no_renames_or_say_nothing_are_passed_over(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    with replays.tracker(beads_db) as connection:
        for kind, old, new in (("renamed", "", "x"), ("renamed", "demo-1", ""), ("updated", "demo-1", "x")):
            replays.add_event(connection, "demo-1", kind, "somebody", old, new)
        connection.execute(
            "INSERT INTO events (issue_id, event_type, actor) VALUES ('demo-1', 'renamed', 'somebody')"
        )
    assert opened(beads_db, clock) == ()
    assert live(beads_db)[runs["demo-1"]] == "demo-1"


def test_the_deletion_of_the_newest_events_is_not_taken_for_a_rebuild(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.create(beads_db, "demo-9")
    with BeadsStateManager(beads_db, clock=clock) as state:
        run_on(state, "demo-9")  # the watermark is the newest event, which goes next
    replays.delete(beads_db, "demo-9")
    assert opened(beads_db, clock) == ()
    replays.rename(beads_db, "demo-1", "demo-a")
    assert opened(beads_db, clock) == ("renamed",)


def test_events_that_began_anew_are_said_and_followed_from_there(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    with replays.tracker(beads_db) as connection:
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
    assert opened(beads_db, clock) == ("events_rebuilt",)
    assert opened(beads_db, clock) == ()
    replays.rename(beads_db, "demo-1", "demo-a")
    assert opened(beads_db, clock) == ("renamed",)
    assert live(beads_db)[runs["demo-1"]] == "demo-a"


def forget_watermark(path: Path) -> None:
    """As in a database whose rows are older than the reconciliation."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM adw_reconcile_state")


def test_without_a_watermark_lost_issues_are_found_by_the_time_of_their_renames(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    replays.rename(beads_db, "demo-a", "demo-b")
    forget_watermark(beads_db)
    assert opened(beads_db, clock) == ("renamed",)
    assert live(beads_db)[runs["demo-1"]] == "demo-b"


def test_without_a_watermark_a_rename_from_before_the_run_is_not_followed(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        replays.add_event(connection, "demo-2", "renamed", "somebody", "demo-1", "demo-2")
        connection.execute("UPDATE events SET created_at = '2001-11-23 11:59:59'")
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    forget_watermark(beads_db)
    opened(beads_db, clock)
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "orphaned")}


def test_without_a_watermark_runs_from_before_and_after_a_rename_are_not_taken_for_those_of_one_issue(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    clock.advance(hours=1)
    with BeadsStateManager(beads_db, clock=clock) as state:
        later = run_on(state, "demo-1")
    with replays.tracker(beads_db) as connection:
        replays.add_event(connection, "demo-2", "renamed", "somebody", "demo-1", "demo-2")
        connection.execute("UPDATE events SET created_at = '2001-11-23 12:30:00'")
        replays.add_event(connection, "demo-3", "renamed", "somebody", "demo-1", "demo-3")
        connection.execute("UPDATE events SET created_at = '2001-11-23 14:00:00' WHERE new_value = 'demo-3'")
    replays.delete(beads_db, "demo-1", foreign_keys=False)
    forget_watermark(beads_db)
    opened(beads_db, clock)
    assert archived(beads_db) == {
        runs["demo-1"]: ("demo-1", "orphaned"),
        later.id: ("demo-1", "orphaned"),
    }


@pytest.mark.parametrize("shape", ["none", "other"])
def test_a_tracker_without_events_that_we_understand_has_its_orphans_archived(
    shape: str, beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    with replays.tracker(beads_db, foreign_keys=False) as connection:
        connection.execute("DROP TABLE events")
        if shape == "other":
            connection.execute("CREATE TABLE events (id TEXT PRIMARY KEY, what TEXT)")
        connection.execute("UPDATE issues SET id = 'demo-a' WHERE id = 'demo-1'")
    assert opened(beads_db, clock) == ("orphaned",)
    assert archived(beads_db) == {runs["demo-1"]: ("demo-1", "orphaned")}
    with BeadsStateManager(beads_db, clock=clock) as state:
        assert state.reconciled == ()
        run_on(state, "demo-a")


def test_reconciling_asked_for_directly_says_what_it_did_and_whether_it_is_needed(
    beads_db: Path, clock: SettableClock, runs: dict[str, str]
) -> None:
    replays.rename(beads_db, "demo-1", "demo-a")
    with closing(Database(beads_db, clock=clock)) as database:
        assert database.read(needs_reconciling) is True
        assert [reconciliation.kind for reconciliation in reconcile(database)] == ["renamed"]
        assert database.read(needs_reconciling) is False
        assert reconcile(database) == ()


def test_a_database_of_our_own_has_nothing_to_reconcile(sidecar_db: Path, clock: SettableClock) -> None:
    with BeadsStateManager(sidecar_db, clock=clock) as state:
        run_on(state, "any-1")
        assert state.reconciled == ()
    with closing(Database(sidecar_db, clock=clock)) as database:
        assert reconcile(database, thorough=True) == ()
    assert reconciliations(sidecar_db) == []
