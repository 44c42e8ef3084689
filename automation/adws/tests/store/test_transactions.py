"""A unit of work is a transaction: all of it or nothing, for threads, interrupts and kill -9 alike."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock, format_time
from adw_state.engine.transaction import Transaction
from adw_state.errors import ConstraintError, DatabaseReadOnlyError, StoreBusyError, StoreFaultError
from adw_state.state import BeadsStateManager
from adw_state.store.database import Database
from adws.tests.processes import child, run_together

_INSERT = (
    "INSERT INTO adw_executions"
    " (id, issue_id, workflow, environment, phases, phase, status, started_at, updated_at)"
    " VALUES (:id, 'proj-7', 'w', 'e', '[\"plan\"]', 'plan', 'pending', :now, :now)"
)
_IDS = "SELECT id FROM adw_executions ORDER BY id"


@pytest.fixture
def database(sidecar_db: Path, clock: SettableClock) -> Iterator[Database]:
    with closing(Database(sidecar_db, clock=clock)) as database:
        yield database


def _insert(tx: Transaction, execution_id: str) -> int:
    return tx.execute(_INSERT, {"id": execution_id, "now": tx.now})


def _ids(database: Database) -> list[str]:
    return [row["id"] for row in database.select(_IDS)]


def _sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_unit_is_kept_as_a_whole(database: Database) -> None:
    assert database.write(lambda tx: _insert(tx, "a") + _insert(tx, "b")) == 2
    assert _ids(database) == ["a", "b"]


_INSERT_IF_FREE = f"{_INSERT} ON CONFLICT (id) DO NOTHING RETURNING id, started_at"


def test_a_statement_alone_is_a_transaction_and_its_row_the_answer(
    database: Database, clock: SettableClock
) -> None:
    for name in "ab":
        row = database.write_row(_INSERT_IF_FREE, {"id": name})
        assert row is not None
        assert tuple(row) == (name, format_time(clock.now()))
    with closing(Database(database.path)) as another:
        assert _ids(another) == ["a", "b"]


def test_a_statement_that_writes_no_row_has_no_answer(database: Database) -> None:
    assert database.write_row(_INSERT_IF_FREE, {"id": "a"}) is not None
    assert database.write_row(_INSERT_IF_FREE, {"id": "a"}) is None
    assert _ids(database) == ["a"]


def test_a_statement_that_breaks_a_rule_is_an_error_of_its_own(database: Database) -> None:
    database.write_row(f"{_INSERT} RETURNING id", {"id": "a"})
    with pytest.raises(ConstraintError, match="UNIQUE constraint failed") as caught:
        database.write_row(f"{_INSERT} RETURNING id", {"id": "a"})
    assert caught.value.is_unique
    with pytest.raises(StoreFaultError, match="no such table: nowhere"):
        database.write_row("DELETE FROM nowhere", {})


def test_a_statement_waits_for_a_lock(sidecar_db: Path) -> None:
    with (
        closing(Database(sidecar_db, busy_timeout_seconds=60)) as database,
        closing(sqlite3.connect(sidecar_db, isolation_level=None, check_same_thread=False)) as foreign,
    ):
        database.write(lambda tx: None)
        foreign.execute("BEGIN IMMEDIATE")
        threading.Timer(0.05, lambda: foreign.execute("ROLLBACK")).start()
        assert database.write_row(_INSERT_IF_FREE, {"id": "a"}) is not None
        assert database.retries == 0


def test_a_statement_alone_does_not_become_part_of_another_transaction(database: Database) -> None:
    with pytest.raises(StoreFaultError, match="within a transaction"):
        database.write(lambda tx: database.write_row(_INSERT_IF_FREE, {"id": "a"}))
    assert _ids(database) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, StoreFaultError])
def test_of_a_unit_that_raises_nothing_stays(database: Database, error: type[BaseException]) -> None:
    def unit(tx: Transaction) -> None:
        _insert(tx, "a")
        raise error

    with pytest.raises(error):
        database.write(unit)
    assert _ids(database) == []
    database.write(lambda tx: _insert(tx, "b"))
    assert _ids(database) == ["b"]


def test_of_a_unit_whose_statement_fails_nothing_stays(database: Database) -> None:
    with pytest.raises(StoreFaultError, match="SQLITE_CONSTRAINT_PRIMARYKEY"):
        database.write(lambda tx: _insert(tx, "a") + _insert(tx, "a"))
    assert _ids(database) == []


def test_a_reader_sees_one_unchanging_picture(database: Database) -> None:
    database.write(lambda tx: _insert(tx, "a"))

    def unit(tx: Transaction) -> list[list[str]]:
        seen = [[row["id"] for row in tx.all(_IDS)]]
        database.write(lambda other: _insert(other, "b"))
        seen.append([row["id"] for row in tx.all(_IDS)])
        return seen

    assert database.read(unit) == [["a"], ["a"]]
    assert _ids(database) == ["a", "b"]


def test_a_reader_cannot_write_not_even_into_a_temporary_table(database: Database) -> None:
    with pytest.raises(
        DatabaseReadOnlyError, match="cannot be written: attempt to write a readonly database"
    ):
        database.read(lambda tx: _insert(tx, "a"))
    with pytest.raises(DatabaseReadOnlyError):
        database.select("DELETE FROM adw_executions")


def test_a_unit_within_a_unit_is_an_error_and_not_a_deadlock(database: Database) -> None:
    with pytest.raises(StoreFaultError, match="cannot start a transaction within a transaction"):
        database.write(lambda _: database.write(lambda tx: _insert(tx, "a")))
    assert _ids(database) == []


def test_the_writer_is_durable_and_keeps_foreign_keys(database: Database) -> None:
    settings = [
        database.write(lambda tx, name=name: tx.all(f"PRAGMA {name}")[0][0])  # type: ignore[misc]
        for name in ("synchronous", "foreign_keys")
    ]
    assert settings == [2, 1]
    assert database.read(lambda tx: tx.all("PRAGMA query_only")[0][0]) == 1


def test_threads_share_one_manager_and_lose_nothing(sidecar_db: Path) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            run = state.create_execution(f"issue-{number}", adw_id=f"run-{number}")
            for step in range(10):
                state.save_checkpoint(run.id, "plan", f"step-{step}", step)
                state.save_checkpoint("shared", "plan", "x", [number, step])
                assert len(state.list_checkpoints(run.id)) == step + 1
                loaded = state.load_checkpoint(run.id)
                assert loaded is not None
                assert loaded.data == step
        except BaseException as error:  # noqa: BLE001 - a thread's error must not be lost
            errors.append(error)

    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("shared", adw_id="shared")
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert sorted(run.id for run in state.list_executions()) == sorted(
            ["shared", *(f"run-{number}" for number in range(12))]
        )
        shared = state.list_checkpoints("shared")
        assert [c.seq for c in shared] == list(range(1, 121))
        assert sorted(c.data for c in shared) == [[n, s] for n in range(12) for s in range(10)]  # type: ignore[type-var]


def test_a_manager_can_be_closed_while_other_threads_use_it(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        reading = threading.Barrier(2)
        seen: list[int] = []
        lent: list[sqlite3.Connection] = []

        def slow_reader() -> None:
            def unit(tx: Transaction) -> int:
                lent.append(tx._connection)
                assert tx.all(_IDS) == []
                reading.wait()
                reading.wait()
                return len(tx.all(_IDS))

            seen.append(state._database.read(unit))

        thread = threading.Thread(target=slow_reader)
        thread.start()
        reading.wait()
        state.close()
        state.create_execution("proj-7")
        reading.wait()
        thread.join()
        assert seen == [0]
        # The connection that was lent when the manager was closed is closed too, and not kept.
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            lent[0].execute("SELECT 1")
        assert len(state.list_executions()) == 1


def test_a_closed_manager_opens_again_when_it_is_used(sidecar_db: Path) -> None:
    state = BeadsStateManager(sidecar_db)
    run = state.create_execution("proj-7")
    state.close()
    state.close()
    assert state.get_execution(run.id) == run
    state.close()


def _stop_in_transaction(database: Path) -> Callable[[Callable[[], None]], None]:
    def work(here: Callable[[], None]) -> None:
        def unit(tx: Transaction) -> None:
            for number in range(2000):
                _insert(tx, f"lost-{number:04}")
            here()

        Database(database).write(unit)

    return work


def test_a_writer_killed_in_the_middle_leaves_nothing_and_holds_nothing(sidecar_db: Path) -> None:
    with child(_stop_in_transaction(sidecar_db)) as writer:
        writer.wait_until_it_is_there()
        writer.kill()
    # Nobody else had it open, and the first who opens it after the kill only reads.
    with BeadsStateManager(sidecar_db, retry_delays_seconds=()) as state:
        assert state.list_executions() == []
        kept = state.create_execution("proj-7", adw_id="kept")
        with child(_stop_in_transaction(sidecar_db)) as writer:
            writer.wait_until_it_is_there()
            assert state.list_executions() == [kept]  # a reader is not disturbed
            writer.kill()
        after = state.create_execution("proj-8", adw_id="after")  # the gate and the lock died with it
        assert sorted(run.id for run in state.list_executions()) == [after.id, kept.id]
    _sound(sidecar_db)


def test_a_writer_killed_in_a_database_without_a_log_leaves_nothing_either(sidecar_db: Path) -> None:
    with closing(sqlite3.connect(sidecar_db)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    with BeadsStateManager(sidecar_db, retry_delays_seconds=()) as state:
        state.create_execution("proj-7", adw_id="kept")

        def spill(here: Callable[[], None]) -> None:
            def unit(tx: Transaction) -> None:
                tx.execute("PRAGMA cache_size = 5")  # so that half of it is in the file already
                for number in range(5000):
                    _insert(tx, f"lost-{number:04}")
                here()

            Database(sidecar_db).write(unit)

        with child(spill) as writer:
            writer.wait_until_it_is_there()
            assert Path(f"{sidecar_db}-journal").exists()
            writer.kill()
        assert [run.id for run in state.list_executions()] == ["kept"]  # by a connection that was open
        with child(spill) as writer:
            writer.wait_until_it_is_there()
            writer.kill()
        with BeadsStateManager(sidecar_db) as other:
            assert [run.id for run in other.list_executions()] == ["kept"]  # by one that is new
        state.create_execution("proj-8", adw_id="after")
    _sound(sidecar_db)


def test_kills_at_any_moment_lose_no_acknowledged_row_and_leave_no_half_one(sidecar_db: Path) -> None:
    said = 0
    for round_ in range(5):

        def write_on(here: Callable[[], None], round_: int = round_) -> None:
            with BeadsStateManager(sidecar_db) as state:
                for number in range(10_000):
                    state.create_execution(
                        "proj-7", adw_id=f"{round_}-{number}", first_checkpoint=("started", number)
                    )
                    if number == 10 + round_:
                        here()

        with child(write_on) as writer:
            writer.wait_until_it_is_there()
            writer.let_go()
            writer.kill()
        said += 11 + round_
        _sound(sidecar_db)
    with closing(sqlite3.connect(sidecar_db)) as connection:
        runs = {row[0] for row in connection.execute("SELECT id FROM adw_executions")}
        steps = {row[0] for row in connection.execute("SELECT execution_id FROM adw_checkpoints")}
    assert runs == steps
    assert len(runs) >= said
    assert {f"{r}-{n}" for r in range(5) for n in range(11 + r)} <= runs


def test_a_lock_error_of_another_process_is_ours_to_name(sidecar_db: Path) -> None:
    with (
        closing(sqlite3.connect(sidecar_db, isolation_level=None)) as foreign,
        BeadsStateManager(sidecar_db, retry_delays_seconds=(), busy_timeout_seconds=0.01) as state,
    ):
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError) as caught:
            state.create_execution("proj-7")
        assert str(caught.value) == f"{sidecar_db} stayed locked by another process"
        assert caught.value.exit_code == 5
        foreign.execute("ROLLBACK")
        assert state.list_executions() == []
        assert state.create_execution("proj-7").issue_id == "proj-7"


def test_units_of_many_processes_do_not_mix(sidecar_db: Path) -> None:
    def work(number: int) -> int:
        database = Database(sidecar_db)
        for step in range(10):
            database.write(lambda tx, step=step: [_insert(tx, f"{number}-{step}-{part}") for part in "ab"])  # type: ignore[misc]
        return 10

    assert run_together([lambda number=number: work(number) for number in range(6)]) == [10] * 6  # type: ignore[misc]
    with closing(Database(sidecar_db)) as database:
        ids = _ids(database)
    assert ids == sorted(f"{n}-{s}-{p}" for n in range(6) for s in range(10) for p in "ab")
