"""Views and triggers of anybody that would stop bd are found by doing what bd does, on an empty copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.doctor.rebuild import rebuild_on_a_copy, tables_touched
from adw_state.schema import migrations
from adw_state.schema.check import Finding
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.checked import Checked
from adws.tests.beside_beads.trackers import RealBd, git_repository


@pytest.fixture
def checked(tmp_path: Path, beads_template: Path, clock: SettableClock) -> Checked:
    """A project whose tracker has the two views that bd makes, and drops before it rebuilds anything."""
    made = Checked(tmp_path / "project", clock, beads_template)
    made.change(
        "CREATE VIEW ready_issues AS SELECT * FROM issues WHERE status = 'open'",
        "CREATE VIEW blocked_issues AS SELECT i.* FROM issues AS i"
        " JOIN dependencies AS d ON i.id = d.issue_id",
    )
    return made


DANGEROUS = {
    "join": "CREATE VIEW theirs AS SELECT i.title FROM adw_executions AS e"
    " JOIN issues AS i ON i.id = e.issue_id",
    "subquery": "CREATE VIEW theirs AS SELECT (SELECT count(*) FROM issues) AS n",
    "in a list": "CREATE VIEW theirs AS SELECT id FROM adw_executions"
    " WHERE issue_id IN (SELECT id FROM issues)",
    "cte": "CREATE VIEW theirs AS WITH t AS (SELECT id FROM issues) SELECT * FROM t",
    "qualified": "CREATE VIEW theirs AS SELECT * FROM main.issues",
    "dependencies": "CREATE VIEW theirs AS SELECT issue_id FROM dependencies",
    "bd's own view": "CREATE VIEW theirs AS SELECT id FROM ready_issues",
    "a column that is not there": "CREATE VIEW theirs AS SELECT nonsense FROM adw_executions",
    "a text in double quotes": 'CREATE VIEW theirs AS SELECT id FROM adw_executions WHERE status = "failed"',
    "a trigger": "CREATE TRIGGER theirs AFTER DELETE ON adw_executions"
    " BEGIN UPDATE adw_checkpoints SET seq = 1 WHERE op_id IN (SELECT id FROM issues); END",
}
HARMLESS = {
    "over ours": "CREATE VIEW theirs AS SELECT count(*) AS n FROM adw_executions",
    "over labels": "CREATE VIEW theirs AS SELECT label FROM labels",
    "quoted names": 'CREATE VIEW theirs AS SELECT "id" AS "the ""id""" FROM "adw_executions"',
    "a quote in a text": """CREATE VIEW theirs AS SELECT 'say "issues"' AS word -- "issues"
        FROM adw_executions /* "issues" */""",
    "a full-text table": "CREATE VIRTUAL TABLE theirs USING fts5(body)",
    "an index on issues": "CREATE INDEX theirs ON issues (title)",
}


@pytest.mark.parametrize("statement", DANGEROUS.values(), ids=DANGEROUS)
def test_what_would_stop_bd_is_named_with_the_sql_that_removes_it(checked: Checked, statement: str) -> None:
    checked.change(statement)

    finding = checked.the("views-and-triggers")

    kind = "trigger" if "TRIGGER" in statement else "view"
    assert finding.severity == "error"
    assert finding.what.startswith(f"The {kind} theirs, which is not ours, would stop bd: ")
    assert finding.fix == f"sqlite3 {checked.file} 'DROP {kind.upper()} \"theirs\"'"
    assert not finding.fixable
    checked.change(f'DROP {kind.upper()} "theirs"')
    assert checked.complaints() == {}


@pytest.mark.parametrize("statement", HARMLESS.values(), ids=HARMLESS)
def test_what_survives_a_rebuild_is_left_in_peace(checked: Checked, statement: str) -> None:
    checked.change(statement)

    assert checked.complaints() == {}


@pytest.mark.parametrize(
    "name", ["join", "subquery", "in a list", "cte", "qualified", "dependencies", "a trigger"]
)
def test_the_verdict_is_that_of_the_rebuild_itself(checked: Checked, name: str) -> None:
    checked.change(DANGEROUS[name])

    rebuild = replays.rebuild_dependencies if name == "dependencies" else replays.rebuild_issues
    with pytest.raises(sqlite3.OperationalError, match=r"error in (view|trigger) theirs"):
        rebuild(checked.file)


def test_every_obstacle_is_named_not_only_the_first(checked: Checked) -> None:
    checked.change(
        "CREATE VIEW one AS SELECT * FROM issues",
        "CREATE VIEW two AS SELECT * FROM dependencies",
        "CREATE VIEW three AS SELECT * FROM one",
    )

    with closing(sqlite3.connect(checked.file)) as connection:
        obstacles = rebuild_on_a_copy(connection)

    assert {(one.name, one.kind) for one in obstacles} == {
        ("one", "view"),
        ("two", "view"),
        ("three", "view"),
    }


def test_a_trigger_on_the_tracker_s_table_is_worth_a_note(checked: Checked) -> None:
    checked.change("CREATE TRIGGER theirs AFTER INSERT ON issues BEGIN SELECT 1; END")

    assert checked.the("views-and-triggers") == Finding(
        "note",
        "The trigger theirs sits on the tracker's table issues.",
        "bd drops it without a word when it rebuilds that table.",
        check="views-and-triggers",
    )


def test_a_trigger_of_ours_that_reads_the_tracker_is_a_warning_although_it_survives_today(
    checked: Checked,
) -> None:
    checked.change(
        "CREATE TRIGGER adw_theirs AFTER DELETE ON adw_executions"
        " BEGIN UPDATE adw_checkpoints SET seq = 1 WHERE op_id IN (SELECT label FROM labels); END"
    )

    finding = checked.the("views-and-triggers")

    assert (finding.severity, finding.fixable) == ("warning", True)
    assert finding.what == "adw_theirs, which is ours, reads the tracker's labels."


def test_which_tables_a_view_or_trigger_touches_is_seen_through_other_views(checked: Checked) -> None:
    checked.change(
        "CREATE VIEW inner AS SELECT * FROM issues", "CREATE VIEW outer AS SELECT title FROM inner"
    )

    with closing(sqlite3.connect(checked.file)) as connection:
        touched = tables_touched(connection)

    assert "issues" in touched["inner"]
    assert touched["recent_failures"] == {"adw_executions"}
    assert touched["stale_checkpoints"] == {"adw_signs_of_life"}
    assert touched["adw_signs_of_life"] == {
        "adw_executions",
        "adw_checkpoints",
        "adw_phase_attempts",
    }
    assert touched["adw_executions_archive_before_delete"] >= {
        "adw_executions_archive",
        "adw_archive_requests",
    }
    assert not any(
        tables & {"issues", "labels", "events", "dependencies"}
        for name, tables in touched.items()
        if name.startswith("adw_") or name in ("recent_failures", "success_rate_by_type")
    )


def test_our_dangerous_views_are_made_anew_by_the_doctor_and_foreign_ones_stay(checked: Checked) -> None:
    checked.change(
        "DROP VIEW recent_failures",
        "CREATE VIEW recent_failures AS SELECT e.id, i.title FROM adw_executions AS e"
        " JOIN issues AS i ON i.id = e.issue_id",
        "CREATE VIEW board AS SELECT * FROM issues",
        "DROP TRIGGER adw_checkpoints_archive_before_delete",
    )

    repairs = checked.repair()

    assert repairs.done == (
        "Made the trigger adw_checkpoints_archive_before_delete anew.",
        "Made the view recent_failures anew.",
    )
    assert repairs.backup is not None
    assert repairs.backup.path.name == "beads.db.20011123T120000Z.before-doctor.sqlite3"
    assert checked.complaints() == {"views-and-triggers": "error"}
    assert "board, which is not ours" in checked.the("views-and-triggers").what


@pytest.mark.parametrize("name", ["recent_failures", "phase_progression_funnel", "adw_board"])
def test_a_view_of_another_tool_that_has_a_name_of_ours_is_not_touched(
    tmp_path: Path, tracker_template: Path, clock: SettableClock, name: str
) -> None:
    checked = Checked(tmp_path / "project", clock, tracker_template)
    checked.change(f"CREATE VIEW {name} AS SELECT * FROM issues WHERE status = 'failed'")

    finding = checked.the("views-and-triggers")

    assert (finding.fixable, "which is not ours" in finding.what) == (False, True)
    assert checked.repair().done == ()


def test_what_an_earlier_program_of_this_kind_left_is_recognised_and_dropped(
    tmp_path: Path, tracker_template: Path, clock: SettableClock
) -> None:
    checked = Checked(tmp_path / "project", clock, tracker_template)
    checked.change(
        "CREATE TABLE adw_executions (id TEXT PRIMARY KEY, issue_id TEXT, phase TEXT, status TEXT)",
        "CREATE TABLE schema_version (version TEXT PRIMARY KEY, rollback_sql TEXT)",
        "CREATE VIEW phase_progression_funnel AS SELECT e.phase, count(*) AS runs FROM adw_executions AS e"
        " JOIN issues AS i ON i.id = e.issue_id GROUP BY e.phase",
    )
    assert checked.the("views-and-triggers").fixable

    assert checked.repair().done == ("Dropped the view phase_progression_funnel.",)
    replays.rebuild_issues(checked.file)


def test_a_real_bd_is_stopped_by_what_the_doctor_names_and_works_again_after_its_advice(
    real_bd: Callable[[str], RealBd], tmp_path: Path, clock: SettableClock
) -> None:
    old, new = real_bd("0.29.0"), real_bd("0.49.6")
    top = git_repository(tmp_path / "real")
    old.run(top, "init", "--prefix", "tk", "--quiet")
    old.run(top, "create", "One", "-d", "x")
    database = top / ".beads" / "beads.db"
    migrations.apply(database, backup_folder=tmp_path / "b", clock=clock)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE VIEW board AS SELECT * FROM issues")
        (obstacle,) = rebuild_on_a_copy(connection)
    refused = new.attempt(top, "create", "Two", "-d", "x")
    assert refused.returncode == 1
    assert "error in view board" in refused.stdout + refused.stderr

    with closing(sqlite3.connect(database)) as connection:
        connection.execute(obstacle.removal)

    new.run(top, "create", "Two", "-d", "x")
    assert "One" in new.run(top, "list")
