"""Checkpoints: append-only, numbered, recognised when they are saved again."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from adw_state.clock import SettableClock
from adw_state.errors import CheckpointDataError, InvalidInputError
from adw_state.state import BeadsStateManager, Checkpoint
from adw_state.store.json_values import JSON, MOST_BYTES
from adws.tests.json_samples import json_values

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_saved_checkpoint_is_the_one_that_is_loaded(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    saved = state.save_checkpoint(run.id, "build", "tests_pass", {"count": 3}, op_id="op-1")
    assert saved == Checkpoint(
        op_id="op-1",
        execution_id=run.id,
        seq=1,
        phase="build",
        attempt=1,
        checkpoint_name="tests_pass",
        data={"count": 3},
        created_at=_NOON,
    )
    assert state.load_checkpoint(run.id) == saved
    assert state.list_checkpoints(run.id) == [saved]


def test_the_newest_is_the_one_saved_last_whatever_the_clock_says(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    for number in range(1, 4):  # all within one microsecond
        state.save_checkpoint(run.id, "plan", "step", number)
    clock.advance(days=-1)
    state.save_checkpoint(run.id, "plan", "step", 4)
    newest = state.load_checkpoint(run.id, "plan", "step")
    assert newest is not None
    assert (newest.data, newest.seq, newest.created_at) == (4, 4, _NOON - timedelta(days=1))
    assert [c.seq for c in state.list_checkpoints(run.id)] == [1, 2, 3, 4]


def test_phase_and_name_narrow_what_is_loaded(state: BeadsStateManager) -> None:
    run, other = state.create_execution("proj-7"), state.create_execution("proj-7")
    for number, (phase, name) in enumerate([("plan", "a"), ("plan", "b"), ("build", "a"), ("build", "c")]):
        state.save_checkpoint(run.id, phase, name, number)
    state.save_checkpoint(other.id, "plan", "a", "other")

    def loaded(*what: str | None) -> JSON:
        found = state.load_checkpoint(run.id, *what)
        return "nothing" if found is None else found.data

    assert loaded() == 3
    assert loaded("plan") == 1
    assert loaded("plan", "a") == 0
    assert loaded(None, "a") == 2
    assert loaded(None, "b") == 1
    assert loaded("review") == loaded("plan", "c") == loaded(None, "z") == "nothing"


def test_the_attempt_is_the_newest_of_its_phase_unless_it_is_named(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    assert state.save_checkpoint(run.id, "plan", "x", 1).attempt == 1
    for _ in range(3):
        state.finish_attempt(state.start_attempt(run.id, "plan"), "failed")
    assert state.save_checkpoint(run.id, "plan", "x", 1).attempt == 3
    assert state.save_checkpoint(run.id, "build", "x", 1).attempt == 1
    assert state.save_checkpoint(run.id, "plan", "x", 1, attempt=2).attempt == 2


def test_an_older_attempt_cannot_hide_a_newer_one(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    for attempt in (3, 2, 1):
        state.save_checkpoint(run.id, "plan", "x", attempt, attempt=attempt)
    newest = state.load_checkpoint(run.id, "plan", "x")
    assert newest is not None
    assert (newest.attempt, newest.seq) == (1, 3)  # by seq alone: the last word counts


def test_a_repeated_save_changes_nothing_and_returns_what_was_saved_then(
    state: BeadsStateManager, clock: SettableClock
) -> None:
    run = state.create_execution("proj-7")
    first = state.save_checkpoint(run.id, "plan", "x", {"try": 1}, op_id="op-1")
    clock.advance(seconds=5)
    assert state.save_checkpoint(run.id, "plan", "x", {"try": 2}, op_id="op-1") == first
    assert state.list_checkpoints(run.id) == [first]
    assert state.save_checkpoint(run.id, "plan", "x", {"try": 3}).seq == 2


def test_an_op_id_of_another_execution_is_refused(state: BeadsStateManager) -> None:
    run, other = state.create_execution("proj-7"), state.create_execution("proj-7")
    saved = state.save_checkpoint(run.id, "plan", "x", 1, op_id="op-1")
    with pytest.raises(InvalidInputError) as caught:
        state.save_checkpoint(other.id, "plan", "x", 2, op_id="op-1")
    assert str(caught.value) == f"op_id 'op-1' belongs to a checkpoint of execution {run.id}"
    assert state.list_checkpoints(other.id) == []
    assert state.list_checkpoints(run.id) == [saved]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"checkpoint_name": ""}, "the checkpoint's name is empty"),
        ({"checkpoint_name": "a\nb"}, "the checkpoint's name holds a line break"),
        ({"op_id": "x" * 201}, "op_id has 201 characters"),
        ({"attempt": 0}, "attempt must be a whole number from 1 on"),
        ({"attempt": "1"}, "attempt must be a whole number from 1 on"),
        ({"fence": 1.0}, "fence must be a whole number from 0 on"),
        ({"checkpoint_data": float("inf")}, "checkpoint 'x' holds a number that JSON cannot carry"),
        ({"checkpoint_data": {"a": b"b"}}, "checkpoint 'x' holds a bytes at .a"),
        ({"checkpoint_data": "y" * MOST_BYTES}, "checkpoint 'x' is more than 16 MiB long"),
    ],
)
def test_what_cannot_be_saved_is_one_clear_error_and_nothing_is_written(
    state: BeadsStateManager, wrong: dict[str, Any], message: str
) -> None:
    run = state.create_execution("proj-7")
    use = {"execution_id": run.id, "phase": "plan", "checkpoint_name": "x", "checkpoint_data": 1, **wrong}
    with pytest.raises(InvalidInputError) as caught:
        state.save_checkpoint(**use)
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, CheckpointDataError) == ("checkpoint_data" in wrong)
    assert state.list_checkpoints(run.id) == []


def test_sixteen_mebibytes_are_saved_and_loaded(state: BeadsStateManager) -> None:
    run = state.create_execution("proj-7")
    largest = "y" * (MOST_BYTES - 2)
    state.save_checkpoint(run.id, "plan", "x", largest)
    loaded = state.load_checkpoint(run.id)
    assert loaded is not None
    assert loaded.data == largest


@given(value=json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_any_json_value_survives_the_database(sidecar_db: Path, value: JSON) -> None:
    with BeadsStateManager(sidecar_db) as state:
        run = state.create_execution("proj-7", extra_data=value)
        state.save_checkpoint(run.id, "plan", "x", value)
        loaded, seen = state.load_checkpoint(run.id), state.get_execution(run.id)
    assert loaded is not None
    assert seen is not None
    assert loaded.data == seen.extra_data == value
    assert repr(loaded.data) == repr(value)


def test_a_save_is_five_calls_from_its_statement(sidecar_db: Path) -> None:
    calls: list[str] = []

    def note(statement: str) -> None:
        if "INSERT INTO adw_checkpoints" in statement:
            calls[:] = [frame.name for frame in traceback.extract_stack()[:-1]]

    with BeadsStateManager(sidecar_db) as state:
        run = state.create_execution("proj-7")
        writer = state._database._file._writer
        assert writer is not None
        writer.set_trace_callback(note)
        state.save_checkpoint(run.id, "plan", "x", 1)
    assert calls[calls.index("save_checkpoint") :] == [
        "save_checkpoint",
        "save",
        "write_row",
        "write_row",
        "one",
    ]
