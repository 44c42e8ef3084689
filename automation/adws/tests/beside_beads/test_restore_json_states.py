"""The JSON states beside the database bring a run back when every other copy is gone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from adw_state.clock import SettableClock, parse_time
from adw_state.record.json_runs import JsonRuns
from adw_state.record.store import SavedStep
from adw_state.recovery.restoring import Restoration, restore
from adw_state.recovery.sources import Survey, survey
from adw_state.run_root import agents_folder
from adw_state.state import BeadsStateManager, Execution
from adw_state.store.importing import Tally
from adw_state.store.runs import RowCounts
from adw_state.trackers.locate import locate
from adws.tests.beside_beads.history import everything, live

START = "2026-11-20T10:00:00.000000Z"


@pytest.fixture
def project(tmp_path: Path, beads_template: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".beads").mkdir(parents=True)
    shutil.copyfile(beads_template, database(folder))
    return folder


def database(project: Path) -> Path:
    return project / ".beads" / "beads.db"


def a_run_in_both_stores(project: Path, clock: SettableClock, issue: str = "demo-1") -> Execution:
    """What the workflow leaves in the database and in the JSON state: a build that failed."""
    with BeadsStateManager(database(project), clock=clock) as state:
        run = state.create_execution(issue, owner="tester", claim=True, extra_data={"by": "hand", "n": [1]})
        mirror = JsonRuns(project, clock).of(run.id)
        mirror.note_execution(run)
        for phase, end in (("plan", "completed"), ("build", "failed")):
            clock.advance(seconds=1)
            attempt = state.start_attempt(run.id, phase, agent="scripted")
            step = SavedStep(phase, attempt.attempt, f"{phase}_done", {"file": "ünïcode.md", "lines": 3})
            state.save_checkpoint(run.id, phase, step.name, step.data, attempt=1, op_id=step.op_id(run.id))
            mirror.note_step(step)
            mirror.note_attempt(
                state.finish_attempt(attempt, end, cost_usd=0.25, input_tokens=7, exit_code=1)
            )
        clock.advance(seconds=1)
        ended = state.update_execution_status(run.id, "failed", error_message="tests do not pass")
        mirror.note_execution(ended)
        return ended


def lose_the_database(project: Path, beads_template: Path) -> None:
    database(project).unlink()
    shutil.copyfile(beads_template, database(project))


def save_state(project: Path, name: str, **fields: object) -> None:
    folder = agents_folder(project) / name
    folder.mkdir(parents=True)
    (folder / "adw_state.json").write_text(json.dumps(fields), encoding="utf-8")


def find(project: Path, clock: SettableClock) -> Survey:
    return survey((), project, clock)


def restored(project: Path, clock: SettableClock) -> Restoration:
    location = locate(cwd=project, environ={})
    return restore(location, find(project, clock).sources, clock, kind="recovered")


def test_the_database_is_afterwards_as_it_was(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    run = a_run_in_both_stores(project, clock)
    before = everything(database(project))
    lose_the_database(project, beads_template)

    done = restored(project, clock)

    assert done.total == Tally(restored=1, attempts=2, checkpoints=2)
    assert everything(database(project)) == before
    with BeadsStateManager(database(project), clock=clock) as state:
        assert state.get_execution(run.id) == run


def test_the_survey_counts_them_and_knows_their_newest_change(project: Path, clock: SettableClock) -> None:
    a_run_in_both_stores(project, clock)
    clock.advance(hours=1)
    a_run_in_both_stores(project, clock, "demo-2")

    (source,) = find(project, clock).sources

    assert (source.path, source.what) == (agents_folder(project), "JSON states")
    assert source.newest == clock.now()
    assert source.rows == RowCounts(executions=2, attempts=4, checkpoints=4)


def test_what_the_database_has_already_is_not_doubled(project: Path, clock: SettableClock) -> None:
    a_run_in_both_stores(project, clock)
    before = everything(database(project))

    assert restored(project, clock).total == Tally(present=1)
    assert everything(database(project)) == before


def test_what_a_run_did_after_it_lost_its_database_is_added(project: Path, clock: SettableClock) -> None:
    run = a_run_in_both_stores(project, clock)
    early = shutil.copyfile(database(project), project / "early.db")
    mirror = JsonRuns(project, clock).load(run.id)
    assert mirror is not None
    clock.advance(seconds=60)
    mirror.note_step(SavedStep("build", 1, "committed", {"commit": "abc"}))
    with BeadsStateManager(early, clock=clock) as elsewhere:
        elsewhere.take_over(run.id, "tester")
        mirror.note_execution(elsewhere.update_execution_status(run.id, "completed"))

    done = restored(project, clock)

    assert done.total == Tally(renewed=1, checkpoints=1)
    with BeadsStateManager(database(project), clock=clock) as state:
        newest = state.load_checkpoint(run.id)
        present = state.get_execution(run.id)
    assert newest is not None
    assert (newest.seq, newest.checkpoint_name, newest.data) == (3, "committed", {"commit": "abc"})
    assert present is not None
    assert present.status == "completed"


def test_a_run_that_ended_while_its_database_was_lost_comes_back_although_its_state_says_it_holds_its_issue(
    project: Path, clock: SettableClock
) -> None:
    run = a_run_in_both_stores(project, clock)
    mirror = JsonRuns(project, clock).load(run.id)
    assert mirror is not None
    clock.advance(seconds=60)
    now = clock.now()
    mirror.note_execution(
        replace(run, status="completed", completed_at=now, updated_at=now, claimed=True, fence=run.fence + 1)
    )

    assert restored(project, clock).total == Tally(renewed=1)

    with BeadsStateManager(database(project), clock=clock) as state:
        present = state.get_execution(run.id)
    assert present is not None
    assert (present.status, present.claimed) == ("completed", False)


def test_states_of_other_programs_and_broken_ones_are_named_and_left_alone(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    run = a_run_in_both_stores(project, clock)
    for name, text in (
        ("3a881d92", json.dumps({"adw_id": "3a881d92", "issue_number": "7", "plan_file": None})),
        ("cut", '{"adw_id": "cut", '),
        ("list", "[1, 2]"),
    ):
        folder = agents_folder(project) / name
        folder.mkdir()
        (folder / "adw_state.json").write_text(text, encoding="utf-8")
    lose_the_database(project, beads_template)

    found = find(project, clock)

    assert found.sources[0].notes == ("1 states are not of our making and are left alone",)
    assert [sentence.partition(":")[0] for sentence in found.unreadable] == ["cut", "list"]
    assert restored(project, clock).total.restored == 1
    assert list(live(database(project))) == [run.id]


def test_values_of_a_wrong_kind_are_refused_by_the_tables(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    run = a_run_in_both_stores(project, clock)
    state = agents_folder(project) / run.id / "adw_state.json"
    fields = json.loads(state.read_text(encoding="utf-8"))
    state.write_text(json.dumps({**fields, "status": ["failed"], "pr_created": "maybe"}), encoding="utf-8")
    lose_the_database(project, beads_template)

    assert restored(project, clock).total == Tally(refused=1)
    assert live(database(project)) == {}


def test_a_state_needs_four_keys_and_has_defaults_for_the_rest(project: Path, clock: SettableClock) -> None:
    save_state(project, "few", adw_id="few", issue_number="demo-1", status="failed", started_at=START)

    assert restored(project, clock).total == Tally(restored=1)

    with BeadsStateManager(database(project), clock=clock) as state:
        run = state.get_execution("few")
    assert run is not None
    assert (run.workflow, run.environment, run.phase, run.fence) == ("adw_sdlc", "local", "plan", 0)
    assert (run.started_at, run.updated_at, run.completed_at) == (parse_time(START),) * 3


def test_a_state_from_before_phases_were_data_has_those_of_the_built_in_workflow(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    run = a_run_in_both_stores(project, clock)
    path = agents_folder(project) / run.id / "adw_state.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    del fields["phases"], fields["waiting_for"], fields["base_commit"]
    for attempt in fields["phase_results"]:
        del attempt["place"], attempt["cost_kind"], attempt["prompt_sha256"]
    path.write_text(json.dumps(fields), encoding="utf-8")
    before = everything(database(project))
    lose_the_database(project, beads_template)

    restored(project, clock)

    assert everything(database(project)) == before


def test_a_run_of_other_phases_comes_back_from_its_state(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    with BeadsStateManager(database(project), clock=clock) as state:
        run = state.create_execution("demo-1", workflow="ours", phases=["lint", "ship-it"])
        attempt = state.finish_attempt(state.start_attempt(run.id, "ship-it"), "failed")
        step = SavedStep("ship-it", 1, "shipped", 7)
        state.save_checkpoint(run.id, "ship-it", step.name, 7, op_id=step.op_id(run.id))
        waiting = state.update_execution_status(
            run.id, "waiting", waiting_for="event", waiting_until=clock.now(), release_by="merge it"
        )
    mirror = JsonRuns(project, clock).of(run.id)
    mirror.note_execution(waiting)
    mirror.note_attempt(attempt)
    mirror.note_step(step)
    before = everything(database(project))
    lose_the_database(project, beads_template)

    restored(project, clock)

    assert everything(database(project)) == before


def test_a_state_of_a_later_version_is_read_although_it_says_more(
    project: Path, clock: SettableClock, beads_template: Path
) -> None:
    run = a_run_in_both_stores(project, clock)
    before = everything(database(project))
    path = agents_folder(project) / run.id / "adw_state.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    for result in fields["phase_results"]:
        result["mood"] = "fine"
    path.write_text(json.dumps({**fields, "schema": 99, "weather": {"rain": True}}), encoding="utf-8")
    lose_the_database(project, beads_template)

    assert restored(project, clock).total == Tally(restored=1, attempts=2, checkpoints=2)
    assert everything(database(project)) == before


def test_a_state_of_ours_that_tells_too_little_is_named(project: Path, clock: SettableClock) -> None:
    save_state(project, "cut", schema=1, adw_id="cut", issue_number="demo-1")

    path = agents_folder(project) / "cut" / "adw_state.json"
    assert find(project, clock).unreadable == (
        f"cut: {path} tells too little of the run: it lacks status, started_at",
    )


@pytest.mark.parametrize("started_at", ["2026-11-20T10:00:00", "yesterday"])
def test_a_state_with_times_in_another_form_is_another_programs(
    project: Path, clock: SettableClock, started_at: str
) -> None:
    save_state(project, "7", adw_id="7", issue_number="demo-1", status="failed", started_at=started_at)

    assert find(project, clock) == Survey((), ())
