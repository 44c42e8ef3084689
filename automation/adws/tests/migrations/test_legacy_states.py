"""Upgrading is all or nothing, and knows what is the earlier implementation's and what is not."""

from __future__ import annotations

import json
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import MigrationError
from adw_state.recovery.upgrade import upgrade
from adw_state.schema.migration_status import problems
from adw_state.schema.previous_tables import look_for
from adws.tests.conftest import NOW
from adws.tests.migrations.earlier import (
    CHECKPOINTS,
    EVERYTHING,
    EXECUTIONS,
    RECORD,
    TABLES,
    VERSIONS,
    apply,
    content,
    execution,
    make_earlier,
    rows,
)
from adws.tests.processes import child, run_apart, run_together


@pytest.fixture
def earlier_db(tracker_db: Path) -> Path:
    return make_earlier(tracker_db, EXECUTIONS, CHECKPOINTS)


# -- killed, crowded, in the way


class _SlowZone(tzinfo):
    """UTC, by a zone that calls back when it is asked for the n-th time."""

    def __init__(self, n: int, then: Callable[[], None]) -> None:
        self._left = n
        self._then = then

    def utcoffset(self, moment: datetime | None) -> timedelta:
        self._left -= 1
        if self._left == 0:
            self._then()
        return timedelta(0)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        return "slow"


@pytest.mark.parametrize("local_times", [1, 2, 4])
def test_killed_in_the_middle_it_has_changed_nothing(earlier_db: Path, local_times: int) -> None:
    before = content(earlier_db)
    folder = earlier_db.parent / "backups"

    def work(here: Callable[[], None]) -> None:
        zone = _SlowZone(local_times, here)
        upgrade(earlier_db, backup_folder=folder, clock=SettableClock(NOW), zone=zone)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()
    assert content(earlier_db) == before
    assert apply(earlier_db).versions == VERSIONS
    assert rows(earlier_db, "SELECT count(*) FROM adw_executions") == [(3,)]


def test_of_ten_processes_at_once_one_upgrades(earlier_db: Path) -> None:
    done = run_together([lambda: apply(earlier_db).versions] * 10)
    assert sorted(done) == [()] * 9 + [VERSIONS]
    assert rows(earlier_db, "SELECT count(*) FROM adw_executions") == [(3,)]
    assert rows(earlier_db, "SELECT count(*) FROM adw_reconciliations") == [(1,)]


def test_without_the_gate_it_is_looked_at_again_under_the_lock(earlier_db: Path) -> None:
    folder = earlier_db.parent / "backups"

    def work() -> bool:
        done = upgrade(earlier_db, backup_folder=folder, clock=SettableClock(NOW))
        return done is not None

    assert sorted(run_together([work] * 4)) == [False, False, False, True]
    assert rows(earlier_db, "SELECT count(*) FROM adw_reconciliations") == [(1,)]


def test_a_disk_that_is_full_in_the_middle_leaves_it_as_it_was(tracker_db: Path) -> None:
    runs = [execution(f"{n:08x}", extra_data=json.dumps("x" * 4000)) for n in range(500)]
    make_earlier(tracker_db, runs)
    before = content(tracker_db)

    def work() -> str:
        limit = tracker_db.stat().st_size + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(MigrationError) as refusal:
            apply(tracker_db)
        return str(refusal.value)

    assert run_apart(work).startswith(
        f"the tables of an earlier implementation in {tracker_db} could not be upgraded: "
    )
    assert content(tracker_db) == before
    assert apply(tracker_db).versions == VERSIONS


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("CREATE TABLE adw_reconciliations (x)", "table adw_reconciliations exists already"),
        (
            "CREATE TABLE theirs (x); CREATE INDEX idx_adw_executions_started ON theirs (x)",
            "belongs to theirs",
        ),
        ("DROP VIEW recent_failures; CREATE VIEW recent_failures AS SELECT 1", "view recent_failures exists"),
    ],
)
def test_a_name_in_the_way_is_refused_and_nothing_changes(
    earlier_db: Path, script: str, complaint: str
) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.executescript(script)
    before = content(earlier_db)
    with pytest.raises(MigrationError, match=complaint):
        apply(earlier_db)
    assert content(earlier_db) == before


def test_somebody_elses_rows_that_refer_to_executions_stay(earlier_db: Path) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.executescript(
            "CREATE TABLE notes (text TEXT, execution_id TEXT"
            " REFERENCES adw_executions (id) ON DELETE CASCADE);"
            "INSERT INTO notes VALUES ('good', '1a2b3c4d');"
            "CREATE VIEW my_runs AS SELECT id, status FROM adw_executions;"
        )
    apply(earlier_db)
    assert rows(earlier_db, "SELECT text, status FROM notes, my_runs WHERE id = execution_id") == [
        ("good", "completed")
    ]


# -- states that its own tools could leave


@pytest.mark.parametrize("parts", [(RECORD, TABLES), EVERYTHING], ids=["no views", "everything"])
def test_tables_without_rows_are_upgraded(tracker_db: Path, parts: tuple[str, ...]) -> None:
    done = apply(make_earlier(tracker_db, scripts=parts)).upgrade
    assert done is not None
    assert (done.executions, done.checkpoints) == (0, 0)
    assert problems(tracker_db) == []


def test_views_that_a_rollback_left_without_tables_are_dropped(tracker_db: Path) -> None:
    make_earlier(tracker_db)
    with closing(sqlite3.connect(tracker_db)) as connection:
        connection.executescript("DROP TABLE adw_checkpoints; DROP TABLE adw_executions;")
    done = apply(tracker_db).upgrade
    assert done is not None
    assert len(done.dropped) == 4
    assert problems(tracker_db) == []


def test_tables_without_any_record_of_migrations_are_upgraded(earlier_db: Path) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.execute("DROP TABLE schema_version")
    assert apply(earlier_db).versions == VERSIONS


def test_executions_without_a_table_of_checkpoints_are_upgraded(earlier_db: Path) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.executescript("DROP VIEW stale_checkpoints; DROP TABLE adw_checkpoints;")
    done = apply(earlier_db).upgrade
    assert done is not None
    assert (done.executions, done.checkpoints, done.checkpoints_archived) == (3, 0, 0)


def test_a_trigger_on_its_tables_goes_with_them_and_is_named(earlier_db: Path) -> None:
    with closing(sqlite3.connect(earlier_db)) as connection:
        connection.execute(
            "CREATE TRIGGER touch AFTER UPDATE ON adw_executions BEGIN UPDATE issues SET title = ''; END"
        )
    done = apply(earlier_db).upgrade
    assert done is not None
    assert done.dropped[-1] == "trigger touch"


def test_rows_in_a_file_without_a_tracker_all_live(tmp_path: Path) -> None:
    database = make_earlier(tmp_path / "copy.db", [execution("1"), execution("2", "demo-99")])
    done = apply(database).upgrade
    assert done is not None
    assert (done.executions, done.executions_archived) == (2, 0)
    assert problems(database) == []


# -- what is not of the earlier implementation


def test_somebody_elses_schema_version_is_refused_as_before(tracker_db: Path) -> None:
    with closing(sqlite3.connect(tracker_db)) as connection:
        connection.executescript(RECORD)
    with pytest.raises(MigrationError, match="a table schema_version that is not ours"):
        apply(tracker_db)


def test_somebody_elses_schema_version_beside_its_tables_is_not_touched(tracker_db: Path) -> None:
    make_earlier(tracker_db, [execution("1")])
    with closing(sqlite3.connect(tracker_db)) as connection:
        connection.executescript(
            "DROP TABLE schema_version;"
            "CREATE TABLE schema_version (version INTEGER, applied_at TEXT, app TEXT);"
            "INSERT INTO schema_version VALUES (7, '2025-01-01', 'calendar');"
        )
    before = content(tracker_db)
    with pytest.raises(MigrationError, match="table schema_version exists already"):
        apply(tracker_db)
    assert content(tracker_db) == before


def test_a_database_of_ours_and_a_tracker_without_us_are_not_recognised(
    beads_db: Path, sidecar_db: Path, tracker_db: Path
) -> None:
    assert [look_for(path) for path in (beads_db, sidecar_db, tracker_db)] == [None, None, None]


def test_tables_of_its_names_but_another_shape_are_not_recognised(tracker_db: Path) -> None:
    with closing(sqlite3.connect(tracker_db)) as connection:
        connection.execute("CREATE TABLE adw_executions (x, y)")
    assert look_for(tracker_db) is None
    with pytest.raises(MigrationError, match="table adw_executions exists already"):
        apply(tracker_db)


def test_what_is_found_is_counted_and_named(earlier_db: Path) -> None:
    found = look_for(earlier_db)
    assert found is not None
    assert found.tables == ("adw_checkpoints", "adw_executions", "schema_version")
    assert len(found.views) == 4
    assert (found.versions, found.executions, found.checkpoints) == (("000", "001", "002"), 4, 4)
