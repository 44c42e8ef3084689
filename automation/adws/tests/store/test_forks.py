"""A manager that is open when the process forks: parent and child both go on, and neither hurts the other."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from adw_state.state import BeadsStateManager
from adws.tests.processes import child, run_apart


def _issues(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT issue_id FROM adw_executions ORDER BY issue_id").fetchall()
    return [row[0] for row in rows]


def test_parent_and_child_both_write_through_the_manager_that_was_open(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("before")
        with child(lambda here: _write_two(state, here)) as process:
            process.wait_until_it_is_there()
            state.create_execution("parent")
            process.let_go()
            assert process.wait() == 0
        assert [run.issue_id for run in state.list_executions()] == ["child-2", "parent", "child-1", "before"]


def _write_two(state: BeadsStateManager, here: object) -> None:
    assert callable(here)
    state.create_execution("child-1")
    here()
    state.create_execution("child-2")


def test_what_a_child_writes_after_its_parent_closed_is_not_lost(sidecar_db: Path) -> None:
    state = BeadsStateManager(sidecar_db)
    state.create_execution("before")
    with child(lambda here: _write_two(state, here)) as process:
        process.wait_until_it_is_there()
        state.close()
        process.let_go()
        assert process.wait() == 0
    assert _issues(sidecar_db) == ["before", "child-1", "child-2"]


def test_a_child_that_closes_its_manager_leaves_the_parents_locks_alone(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state, closing(_foreign(sidecar_db)) as foreign:
        state.create_execution("before")

        def close_and_try_to_write() -> str:
            state.close()
            try:
                foreign.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                return error.sqlite_errorname
            return "written"

        # The parent is in the middle of a write transaction while the child closes what it inherited.
        def unit(tx: object) -> str:
            return str(run_apart(close_and_try_to_write))

        assert state._database.write(unit) == "SQLITE_BUSY"
        state.create_execution("after")
    assert _issues(sidecar_db) == ["after", "before"]


def _foreign(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=rw", uri=True, isolation_level=None, timeout=0)


def test_a_fork_waits_for_the_transactions_of_other_threads(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        done = threading.Event()
        written = []

        def keep_writing() -> None:
            while not done.is_set():
                written.append(state.create_execution("thread").id)
                state.list_executions(limit=1)

        writer = threading.Thread(target=keep_writing)
        writer.start()
        try:
            for number in range(10):
                run_apart(partial(state.create_execution, f"child-{number}"))
        finally:
            done.set()
            writer.join()
    found = _issues(sidecar_db)
    assert [issue for issue in found if issue != "thread"] == [f"child-{n}" for n in range(10)]
    assert found.count("thread") == len(written)


def test_a_fork_inside_a_transaction_leaves_the_transaction_to_the_parent(sidecar_db: Path) -> None:
    with BeadsStateManager(sidecar_db) as state:
        state.create_execution("before")

        def unit(tx: object) -> int:
            pid = os.fork()
            if pid == 0:
                os._exit(0 if [run.issue_id for run in state.list_executions()] == ["before"] else 1)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        assert state._database.write(unit) == 0
        assert state._database.read(unit) == 0
        state.create_execution("after")
    assert _issues(sidecar_db) == ["after", "before"]


def test_a_child_does_not_keep_the_gate_of_a_parent_that_died_in_it(sidecar_db: Path) -> None:
    waiting, release = os.pipe()

    def fork_inside_a_transaction(here: Callable[[], None]) -> None:
        def unit(tx: object) -> None:
            if os.fork() == 0:
                os.close(release)
                os.read(waiting, 1)  # the grandchild outlives everybody
                os._exit(0)
            here()

        BeadsStateManager(sidecar_db)._database.write(unit)

    with child(fork_inside_a_transaction) as parent:
        parent.wait_until_it_is_there()
        parent.kill()
    with BeadsStateManager(sidecar_db, busy_timeout_seconds=0.05, retry_delays_seconds=()) as other:
        other.create_execution("after")
    os.close(release)
    os.close(waiting)
    assert _issues(sidecar_db) == ["after"]
