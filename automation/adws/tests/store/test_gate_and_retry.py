"""Taking turns: the gate between processes, and what happens when somebody does not let go."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.engine.transaction import Transaction
from adw_state.errors import StoreBusyError, StoreFaultError
from adw_state.gate import Gate
from adw_state.state import BeadsStateManager
from adw_state.store.database import Database, try_again
from adws.tests.conftest import NOW
from adws.tests.processes import child, open_files


@contextmanager
def _foreign_writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that holds SQLite's own write lock and knows nothing of the gate."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def _fail(tx: Transaction) -> None:
    raise KeyError


class _ReleasingClock(SettableClock):
    """A clock on whose n-th sleep the lock is let go."""

    def __init__(self, release: Callable[[], object], on_sleep: int) -> None:
        super().__init__(NOW)
        self._release = release
        self._on_sleep = on_sleep

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == self._on_sleep:
            self._release()


@pytest.mark.parametrize("delays", [(), (1.0,), (1.0, 3.0), (1.0, 3.0, 5.0), (0.5,) * 7])
def test_a_lock_that_is_never_let_go_is_tried_once_more_than_there_are_delays(
    sidecar_db: Path, delays: Sequence[float]
) -> None:
    clock = SettableClock(NOW)
    with BeadsStateManager(
        sidecar_db, clock=clock, busy_timeout_seconds=0.001, retry_delays_seconds=delays
    ) as state:
        with _foreign_writer(sidecar_db), pytest.raises(StoreBusyError):
            state.create_execution("proj-7")
        assert clock.slept == list(delays)
        assert state.retries == len(delays)
        assert state.list_executions() == []


@pytest.mark.parametrize("on_sleep", [1, 2, 3])
def test_a_unit_is_tried_again_as_a_whole_and_happens_once(sidecar_db: Path, on_sleep: int) -> None:
    with _foreign_writer(sidecar_db) as foreign:
        clock = _ReleasingClock(lambda: foreign.execute("ROLLBACK"), on_sleep)
        with BeadsStateManager(sidecar_db, clock=clock, busy_timeout_seconds=0.001) as state:
            run = state.create_execution("proj-7", first_checkpoint=("started", 1))
            assert clock.slept == [1.0, 3.0, 5.0][:on_sleep]
            assert state.retries == on_sleep
            assert state.list_executions() == [run]
            assert [c.seq for c in state.list_checkpoints(run.id)] == [1]
            # What is stored is the moment of the try that came through.
            assert run.started_at == clock.now()


def test_any_other_error_is_not_tried_again(sidecar_db: Path) -> None:
    clock = SettableClock(NOW)
    with closing(Database(sidecar_db, clock=clock)) as database:
        with pytest.raises(StoreFaultError):
            database.write(lambda tx: tx.execute("INSERT INTO nowhere VALUES (1)"))
        with pytest.raises(KeyError):
            database.write(_fail)
        assert clock.slept == []
        assert database.retries == 0


def test_reads_are_tried_again_too(sidecar_db: Path) -> None:
    with ExitStack() as stack:
        foreign = stack.enter_context(closing(sqlite3.connect(sidecar_db, isolation_level=None)))
        foreign.execute("PRAGMA journal_mode = DELETE")
        clock = _ReleasingClock(lambda: foreign.execute("ROLLBACK"), 2)
        state = stack.enter_context(BeadsStateManager(sidecar_db, clock=clock, busy_timeout_seconds=0.001))
        foreign.execute("BEGIN EXCLUSIVE")
        assert state.list_executions() == []
        assert clock.slept == [1.0, 3.0]
        foreign.execute("BEGIN EXCLUSIVE")
        clock.slept.clear()
        assert state.load_checkpoint("nobody") is None
        assert clock.slept == [1.0, 3.0]


def test_a_lock_that_is_let_go_within_the_busy_timeout_costs_a_write_no_retry(beads_db: Path) -> None:
    # Without a write-ahead log a foreign writer stops even the look at br's stamp.
    clock = SettableClock(NOW)
    with closing(sqlite3.connect(beads_db, isolation_level=None, check_same_thread=False)) as foreign:
        foreign.execute("PRAGMA journal_mode = DELETE")
        with BeadsStateManager(beads_db, clock=clock, busy_timeout_seconds=60) as state:
            state.create_execution("demo-1")
            foreign.execute("BEGIN EXCLUSIVE")
            threading.Timer(0.05, lambda: foreign.execute("ROLLBACK")).start()
            state.create_execution("demo-2")
            assert clock.slept == []
            assert state.retries == 0


def test_the_retry_returns_what_the_unit_returned_and_counts_only_repeats() -> None:
    clock, tries, counted = SettableClock(NOW), [], []

    def unit() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise StoreBusyError
        return "done"

    result = try_again(
        unit,
        StoreBusyError(),
        delays_seconds=(1, 3, 5),
        clock=clock,
        on_retry=lambda: counted.append(clock.now()),
    )
    assert (result, len(tries), clock.slept, len(counted)) == ("done", 3, [1, 3, 5], 3)


def test_a_stopped_process_that_holds_the_gate_is_an_error_and_not_a_hang(sidecar_db: Path) -> None:
    clock = SettableClock(NOW)

    def hold(here: Callable[[], None]) -> None:
        with Gate(sidecar_db.parent, 1.0):
            here()

    with (
        child(hold) as holder,
        BeadsStateManager(sidecar_db, clock=clock, busy_timeout_seconds=0.02) as state,
    ):
        holder.wait_until_it_is_there()
        holder.stop()
        with pytest.raises(StoreBusyError) as caught:
            state.create_execution("proj-7")
        assert str(caught.value) == f"other writers kept {sidecar_db.parent} busy for 0.02 s"
        assert caught.value.hint == "look for a stopped or very slow process that uses this database"
        assert clock.slept == [1.0, 3.0, 5.0]
        assert state.list_executions() == []  # readers need no gate
        holder.resume()
        holder.let_go()
        assert holder.wait() == 0
        assert state.create_execution("proj-7").issue_id == "proj-7"
        assert len(state.list_executions()) == 1


def test_a_killed_process_leaves_the_gate_open(sidecar_db: Path) -> None:
    def hold(here: Callable[[], None]) -> None:
        with Gate(sidecar_db.parent, 1.0):
            here()

    with child(hold) as holder:
        holder.wait_until_it_is_there()
        holder.kill()
    with BeadsStateManager(sidecar_db, busy_timeout_seconds=0.01, retry_delays_seconds=()) as state:
        state.create_execution("proj-7")


def test_one_holds_the_gate_at_a_time(tmp_path: Path) -> None:
    one, other = Gate(tmp_path, 0.01), Gate(tmp_path, 0.01)
    with closing(one), closing(other), one, pytest.raises(StoreBusyError), other:
        pytest.fail("both are in")
    with closing(Gate(tmp_path, 0.01)) as third, third:
        pass


def test_whoever_gave_up_waiting_does_not_keep_the_gate_later(tmp_path: Path) -> None:
    with closing(Gate(tmp_path, 0.01)) as one, closing(Gate(tmp_path, 0.01)) as other:
        with one, pytest.raises(StoreBusyError), other:
            pass
        # The thread that waited in vain gets the lock now and gives it straight back.
        with closing(Gate(tmp_path, 1.0)) as third:
            for _ in range(3):
                with third:
                    pass
            with other:
                pass


def test_whoever_is_interrupted_while_waiting_does_not_keep_the_gate(tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    _let_waiters_end()
    before = open_files()
    former = signal.signal(signal.SIGALRM, interrupt)
    try:
        with closing(Gate(tmp_path, 60.0)) as one, closing(Gate(tmp_path, 60.0)) as other:
            with one:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                with pytest.raises(KeyboardInterrupt), other:
                    pytest.fail("both are in")
            for _ in range(3):
                with one, pytest.raises(StoreBusyError), closing(Gate(tmp_path, 0.001)) as third, third:
                    pass
                with other:
                    pass
    finally:
        signal.signal(signal.SIGALRM, former)
    _let_waiters_end()
    assert open_files() == before


def test_many_waits_of_one_process_take_one_thread(tmp_path: Path) -> None:
    with closing(Gate(tmp_path, 60.0)) as gate:
        for _ in range(5):
            with closing(Gate(tmp_path, 60.0)) as holder, ExitStack() as held:
                held.enter_context(holder)
                threading.Timer(0.02, held.close).start()
                with gate:
                    assert len(_waiters()) == 1
    _let_waiters_end()


def _let_waiters_end() -> None:
    gc.collect()  # what other tests dropped
    for thread in _waiters():
        thread.join(10)
    assert _waiters() == []


def _waiters() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "adw-gate"]


def test_a_folder_without_locks_does_not_stop_the_writers(
    sidecar_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with BeadsStateManager(sidecar_db) as state:
        for _ in range(3):
            state.create_execution("proj-7")
        assert len(state.list_executions()) == 3


def test_the_gate_leaves_no_file_and_no_descriptor_behind(sidecar_db: Path) -> None:
    _let_waiters_end()
    before = open_files()
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("proj-7")
        state.list_executions()
    assert sorted(path.name for path in sidecar_db.parent.iterdir()) == ["state.sqlite3"]
    assert open_files() == before


def test_a_manager_that_is_dropped_unclosed_leaves_no_descriptor_and_no_thread_behind(
    sidecar_db: Path,
) -> None:
    _let_waiters_end()
    before = open_files()
    state = BeadsStateManager(sidecar_db)
    with closing(Gate(sidecar_db.parent, 60.0)) as holder, ExitStack() as held:
        held.enter_context(holder)
        threading.Timer(0.02, held.close).start()
        state.create_execution("proj-7")
    assert len(_waiters()) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Python 3.13 warns of each connection, and is right
        del state
        _let_waiters_end()
    assert open_files() == before


def test_a_writer_of_ours_holds_the_gate_for_as_long_as_its_transaction(sidecar_db: Path) -> None:
    def free() -> bool:
        folder = os.open(sidecar_db.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(folder)

    with BeadsStateManager(sidecar_db) as state:
        assert state._database.write(lambda tx: free()) is False
        assert state._database.read(lambda tx: free()) is True
        with pytest.raises(KeyError):
            state._database.write(_fail)
        assert free() is True
