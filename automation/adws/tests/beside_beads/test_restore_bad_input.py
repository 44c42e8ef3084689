"""Spoiled sources and spoiled targets: a clear word on each, the rest restored, nothing lost."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import AdwError, DatabaseForeignError, SchemaTooNewError
from adw_state.recovery.places import OldFile, old_files
from adw_state.recovery.restoring import rehearse, restore
from adw_state.recovery.sources import Survey, survey
from adw_state.schema.migration_files import known
from adw_state.state import BeadsStateManager
from adw_state.store.importing import Tally
from adw_state.store.sql import newest_version
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location
from adws.tests.beside_beads.history import archived, complaints, everything, live, rows, run_on
from adws.tests.beside_beads.mounts import fill_up, with_read_only, with_small_disk
from adws.tests.beside_beads.replays import BORN
from adws.tests.conftest import ISSUES
from adws.tests.processes import run_apart


@pytest.fixture
def project(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Path:
    """A project whose file was rebuilt by bd; `.beads/beads.db.corrupt` holds a run on each issue."""
    folder = tmp_path / "project"
    database = folder / ".beads" / "beads.db"
    database.parent.mkdir(parents=True)
    shutil.copyfile(beads_template, database)
    with BeadsStateManager(database, clock=clock) as state:
        for issue in ISSUES:
            run_on(state, issue.id)
    database.rename(quarantine(folder))
    create_beads_database(database, "demo", ISSUES, SettableClock(BORN).now())
    return folder


def quarantine(project: Path) -> Path:
    return project / ".beads" / "beads.db.corrupt"


def where(project: Path) -> Location:
    return locate(cwd=project, environ={})


def find(project: Path, clock: SettableClock) -> Survey:
    return survey(old_files(where(project)), project, clock)


def restored(project: Path, clock: SettableClock) -> Tally:
    return restore(where(project), find(project, clock).sources, clock, kind="recovered").total


def change(path: Path, *statements: str) -> None:
    """Change a file as somebody who checks nothing would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


def spoil_middle_page_of(path: Path, table: str) -> int:
    """Overwrite the middle one of the pages that a table's rows are on; how many rows it held."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        pages = connection.execute(
            "SELECT pageno, ncell FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
        ).fetchall()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    page, held = pages[len(pages) // 2]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    return int(held)


def test_rows_that_break_a_rule_are_left_out_and_counted_and_the_others_come(
    project: Path, clock: SettableClock
) -> None:
    change(
        quarantine(project),
        "UPDATE adw_executions SET status = 'splendid' WHERE issue_id = 'demo-1'",
        "UPDATE adw_executions SET updated_at = 'yesterday' WHERE issue_id = 'demo-2'",
    )

    done = restore(where(project), find(project, clock).sources, clock, kind="recovered")

    assert done.total == Tally(restored=3, attempts=3, checkpoints=6, refused=2)
    assert done.taken[0].tally.why_refused is not None
    assert done.taken[0].tally.why_refused.startswith("CHECK constraint failed")
    assert sorted(live(project / ".beads" / "beads.db").values()) == ["demo-3", "demo-4", "demo-5"]


def test_a_run_of_which_one_row_is_bad_is_left_out_whole(project: Path, clock: SettableClock) -> None:
    change(
        quarantine(project),
        "UPDATE adw_checkpoints SET phase = '' WHERE execution_id ="
        " (SELECT id FROM adw_executions WHERE issue_id = 'demo-1')",
    )

    assert restored(project, clock) == Tally(restored=4, attempts=4, checkpoints=8, refused=1)
    database = project / ".beads" / "beads.db"
    assert rows(database, "SELECT count(*) FROM adw_phase_attempts") == [(4,)]


def test_a_tampered_archive_spoils_nothing_but_itself(project: Path, clock: SettableClock) -> None:
    change(
        quarantine(project),
        "INSERT INTO adw_executions_archive (id) VALUES (NULL)",
        "INSERT INTO adw_executions_archive (id, issue_id) VALUES (x'00ff', 7)",
        "INSERT INTO adw_executions_archive (id, issue_id, archive_reason)"
        " VALUES ('adw-x', 'demo-1', 'deleted')",
        "INSERT INTO adw_checkpoints_archive (execution_id) VALUES ('adw-x')",
        "UPDATE adw_executions_archive SET archived_at = x'80' WHERE id = 'adw-x'",
    )

    done = restored(project, clock)
    assert done == Tally(restored=5, archived=1, attempts=5, checkpoints=11, refused=2)
    assert archived(project / ".beads" / "beads.db") == {"adw-x": ("demo-1", "unrestorable")}
    assert complaints(project / ".beads" / "beads.db") == []


def test_of_a_damaged_file_the_rows_on_both_sides_of_the_damage_come(
    project: Path, clock: SettableClock
) -> None:
    database = project / ".beads" / "beads.db"
    with BeadsStateManager(quarantine(project), clock=clock) as state:
        for number in range(95):
            run_on(state, f"demo-{number % 5 + 1}")
    held = spoil_middle_page_of(quarantine(project), "adw_executions")

    found = find(project, clock)
    done = restore(where(project), found.sources, clock, kind="recovered")

    (note,) = found.sources[0].notes
    readable = 100 - held
    assert note == (
        f"adw_executions is damaged (database disk image is malformed); {readable} of its rows were read"
    )
    assert 0 < held < 50
    assert done.total == Tally(restored=readable, attempts=readable, checkpoints=2 * readable)
    assert complaints(database) == []


def test_a_damaged_index_costs_no_row(project: Path, clock: SettableClock) -> None:
    for index in ("sqlite_autoindex_adw_executions_1", "idx_checkpoints_execution"):
        spoil_middle_page_of(quarantine(project), index)

    assert restored(project, clock) == Tally(restored=5, attempts=5, checkpoints=10)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"not a database, " * 500, "is not a SQLite database"),
        (b"SQLite format 3\x00" + b"\xff" * 8000, "is not a readable SQLite database"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_taken(
    project: Path, clock: SettableClock, content: bytes, sentence: str
) -> None:
    spoiled = project / ".beads" / "beads.db.backup-1"
    spoiled.write_bytes(content)

    found = find(project, clock)

    (complaint,) = found.unreadable
    assert str(spoiled) in complaint
    assert sentence in complaint
    assert restored(project, clock).restored == 5


def test_a_database_of_another_application_holds_no_history(project: Path, clock: SettableClock) -> None:
    other = project / ".beads" / "other.backup.db"
    change(other, "CREATE TABLE songs (title TEXT)")

    found = find(project, clock)

    assert [source.path for source in found.sources] == [quarantine(project)]
    assert found.unreadable == ()


def test_a_file_that_a_newer_version_of_ours_made_is_not_guessed_at(
    project: Path, clock: SettableClock
) -> None:
    change(
        quarantine(project),
        "INSERT INTO schema_version VALUES ('999', 'from_the_future', 'x', '2030-01-01T00:00:00.000000Z')",
    )

    found = find(project, clock)

    assert found.sources == ()
    (complaint,) = found.unreadable
    assert complaint.endswith(
        f"beads.db.corrupt was migrated to 999 by a newer version; this one knows {newest_version()}"
    )


def test_a_present_database_that_a_newer_version_made_is_left_alone(
    project: Path, clock: SettableClock
) -> None:
    restored(project, clock)
    database = project / ".beads" / "beads.db"
    change(
        database,
        "INSERT INTO schema_version VALUES ('999', 'from_the_future', 'x', '2030-01-01T00:00:00.000000Z')",
    )
    before = everything(database)

    with pytest.raises(SchemaTooNewError, match="has migration 999"):
        rehearse(where(project), find(project, clock).sources, clock)
    assert everything(database) == before


def test_a_half_migrated_file_is_read_after_its_copy_was_brought_to_the_end(
    project: Path, clock: SettableClock
) -> None:
    later = [migration for migration in known() if migration.version > "001"]
    change(
        quarantine(project),
        "DELETE FROM schema_version WHERE version > '001'",
        *(statement for migration in reversed(later) for statement in migration.down()),
    )

    assert restored(project, clock) == Tally(restored=5, attempts=5, checkpoints=10)
    assert find(project, clock).sources[0].notes == ()


def test_a_file_that_lost_some_of_our_tables_gives_what_it_has(project: Path, clock: SettableClock) -> None:
    change(quarantine(project), "DROP TABLE adw_checkpoints", "DROP TABLE adw_checkpoints_archive")

    found = find(project, clock)

    (note,) = found.sources[0].notes
    assert note.startswith("it is read as it is, because it cannot be brought up to date: ")
    assert restored(project, clock) == Tally(restored=5, attempts=5)


def test_a_log_without_its_database_is_not_taken_for_one(project: Path, clock: SettableClock) -> None:
    Path(f"{quarantine(project)}-wal").write_bytes(b"7\x7f\x06\x82" + b"\0" * 4000)
    quarantine(project).unlink()

    assert find(project, clock) == Survey((), ())
    assert Path(f"{quarantine(project)}-wal").exists()


def test_a_file_that_is_no_tracker_s_takes_no_history(tmp_path: Path) -> None:
    other = tmp_path / "songs.db"
    change(other, "CREATE TABLE songs (title TEXT)")

    with pytest.raises(DatabaseForeignError, match="it has no table of issues"):
        locate(other, cwd=tmp_path, environ={})


def make_checkpoints_large(project: Path) -> None:
    """Half a megabyte in each of the ten."""
    change(
        quarantine(project),
        "UPDATE adw_checkpoints SET checkpoint_data = '\"' || hex(zeroblob(250000)) || '\"'",
    )


def error_of(work: Callable[[], object]) -> tuple[str, str]:
    try:
        work()
    except AdwError as error:
        return type(error).__name__, str(error)
    return "", ""


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing_half_restored(
    project: Path, clock: SettableClock, tmp_path: Path
) -> None:
    make_checkpoints_large(project)
    small = tmp_path / "small"
    small.mkdir()

    def on_the_small_disk() -> tuple[str, str]:
        there = Path(shutil.copytree(project, small / "project"))
        sources = find(there, clock).sources
        assert rehearse(where(there), sources, clock).total.restored == 5
        filler = fill_up(small, leaving=2_000_000)
        said = error_of(lambda: restore(where(there), sources, clock, kind="recovered"))
        database = there / ".beads" / "beads.db"
        assert complaints(database) == []
        assert live(database) == {}
        assert archived(database) == {}
        filler.unlink()
        assert restored(there, clock).restored == 5
        return said

    assert with_small_disk(small, "24m", on_the_small_disk) == (
        "DiskFullError",
        f"there is no room left to write {small / 'project' / '.beads' / 'beads.db'}",
    )


def test_a_file_that_may_not_grow_leaves_nothing_half_restored(project: Path, clock: SettableClock) -> None:
    make_checkpoints_large(project)
    database = project / ".beads" / "beads.db"
    sources = find(project, clock).sources

    def with_a_limit() -> tuple[str, str]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        return error_of(lambda: restore(where(project), sources, clock, kind="recovered"))

    kind, sentence = run_apart(with_a_limit)

    assert (kind, sentence.partition(":")[0]) == ("StoreFaultError", f"{database} cannot be read or written")
    assert complaints(database) == []
    assert live(database) == {}
    assert archived(database) == {}
    assert restored(project, clock).restored == 5


def test_a_read_only_medium_is_named_and_what_would_come_is_still_told(
    project: Path, clock: SettableClock
) -> None:
    def read_only() -> tuple[int, str, str]:
        found = find(project, clock)
        plan = rehearse(where(project), found.sources, clock)
        said = error_of(lambda: restore(where(project), found.sources, clock, kind="recovered"))
        return plan.total.restored, *said

    count, kind, sentence = with_read_only(project, read_only)

    assert (count, kind) == (5, "DatabaseReadOnlyError")
    assert sentence == f"no backup can be written to {project / '.adw' / 'backups'}: Read-only file system"


def test_a_named_file_without_history_is_no_source(project: Path, clock: SettableClock) -> None:
    found = survey([OldFile(project / ".beads" / "beads.db", "named by you")], None, clock)

    assert found == Survey((), ())
